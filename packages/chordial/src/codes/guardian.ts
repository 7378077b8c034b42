/**
 * Answers for codes of senders that may be asleep. Of the guardians of a code each keeps all of it and counts wrong
 * confirmations with the others: before it looks at one, it has counted it durably and told the others, so that
 * confirmations at several guardians at once get no more than five guesses together. An exchange that is not confirmed
 * costs no guess, but exchanges are bounded in number and rate.
 */
import type { Clock, Contact, HostId, Milliseconds, Timer } from '@chordial/ring';
import { TokenBucket } from '../flow/token-bucket.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Registry } from '../wire/message.ts';
import type { ValueOf } from '../wire/schema.ts';
import { TransportError } from '../wire/transport-error.ts';
import { type Counted, codeMessages, exchangeBytes } from './code-messages.ts';
import { type Answering, answerTo, type RandomBytes, type Told } from './exchange.ts';
import { type KeptCode, type KeptCodes, maxGuesses } from './kept-codes.ts';

export const exchangeMilliseconds: Milliseconds = 30_000;
export const maxExchanges = 256;
export const maxExchangesPerAsker = 64;
/** Per asking member, such as a door with its visitors; and of all, since each exchange takes some milliseconds. */
const askerRate = { burst: 32, perSecond: 2 } as const;
const exchangeRate = { burst: 64, perSecond: 8 } as const;
const maxAskers = 1024;
const sweepEvery: Milliseconds = 3_600_000;

export interface GuardianPorts {
  readonly self: HostId;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly codes: KeptCodes;
  /** What another guardian of the code has counted, having been told what this one has; null when it does not answer. */
  readonly tell: (
    guardian: HostId,
    said: ValueOf<typeof codeMessages.count.question>,
  ) => Promise<readonly Counted[] | null>;
}

interface Exchange {
  readonly asker: HostId;
  readonly publisher: HostId;
  readonly number: number;
  readonly answering: Answering;
  readonly until: Milliseconds;
  /** Set by the right confirmation: the same one again costs nothing. */
  told: Told | null;
}

export class Guardian {
  readonly #ports: GuardianPorts;
  readonly #exchanges = new Map<string, Exchange>();
  readonly #askers = new BoundedCache<HostId, TokenBucket>(maxAskers);
  readonly #all: TokenBucket;
  #timer: Timer;

  constructor(ports: GuardianPorts) {
    this.#ports = ports;
    this.#all = new TokenBucket(exchangeRate, ports.clock.now);
    this.#timer = ports.clock.after(sweepEvery, () => this.#sweep());
  }

  close(): void {
    this.#timer.cancel();
    this.#exchanges.clear();
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    const { codes } = this.#ports;
    return registry
      .on(codeMessages.keep, async (question, { host }) => {
        if (!question.guardians.includes(this.#ports.self)) throw noSuchCode();
        await codes.keep(host, question);
        return {};
      })
      .on(codeMessages.burn, ({ number }, { host }) => {
        codes.burn(host, number);
        return {};
      })
      .on(codeMessages.answer, (question, { host }) => this.answer(host, question))
      .on(codeMessages.confirm, async (question, { host }) => ({ told: await this.confirm(host, question) }))
      .on(codeMessages.count, (question, { host }) => this.heard(host, question));
  }

  /** Begins an exchange. Throws a TransportError. */
  answer(
    asker: HostId,
    { publisher, number, session, point }: ValueOf<typeof codeMessages.answer.question>,
  ): ValueOf<typeof codeMessages.answer.answer> {
    const { codes, self, clock, random } = this.#ports;
    const code = codes.find(publisher, number);
    if (code === null) throw noSuchCode();
    this.#checkRoom(asker);
    const answering = answerTo(
      { number, words: code.kept.words },
      { publisher, guardian: self },
      { session, point },
      random,
    );
    if (answering === null) throw new TransportError('refused', 'The point is none.', 'bad-request');
    const exchange = random(exchangeBytes);
    const until = clock.now() + exchangeMilliseconds;
    this.#exchanges.set(nameOf(exchange), { asker, publisher, number, answering, until, told: null });
    return { exchange, point: answering.point };
  }

  /** What the code leads to, for the right confirmation; null for a wrong one, which costs a guess. Rejects with a TransportError. */
  async confirm(
    asker: HostId,
    { exchange: id, confirmation }: ValueOf<typeof codeMessages.confirm.question>,
  ): Promise<Told | null> {
    const { codes } = this.#ports;
    const name = nameOf(id);
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined || exchange.asker !== asker || exchange.until <= this.#ports.clock.now())
      throw noSuchCode();
    const { publisher, number, answering, told } = exchange;
    if (told !== null && answering.isRight(confirmation)) return told;
    this.#exchanges.delete(name);
    const code = codes.find(publisher, number);
    if (code === null) throw noSuchCode();
    const found = await code.inTurn(() => this.#judge(code, answering, confirmation));
    if (found !== null) this.#exchanges.set(name, { ...exchange, told: found });
    return found;
  }

  async #judge(code: KeptCode, answering: Answering, confirmation: Uint8Array): Promise<Told | null> {
    const { codes, self } = this.#ports;
    const { publisher, kept } = code;
    // Burnt, expired or replaced by another code while it waited for its turn.
    if (codes.find(publisher, kept.number) !== code) throw noSuchCode();
    code.count(self, ['begun']);
    await codes.save(code);
    await this.#tellOthers(code);
    // Others look at so many at this moment, or have seen them, that this one would be one too many.
    if (code.guesses > maxGuesses) {
      code.count(self, ['free']);
      await codes.save(code);
      throw noSuchCode();
    }
    if (!answering.isRight(confirmation)) return null;
    const told = answering.tell(kept.target);
    code.count(self, ['free', 'right']);
    await codes.save(code);
    void this.#tellOthers(code);
    return told;
  }

  async #tellOthers(code: KeptCode): Promise<void> {
    const { self, tell, codes } = this.#ports;
    const { publisher, kept, counts } = code;
    const said = { publisher, number: kept.number, counts };
    const others = kept.guardians.filter((guardian) => guardian !== self);
    const answers = await Promise.all(others.map((guardian) => tell(guardian, said)));
    const isNews = answers.map((answer) => answer !== null && code.merge(answer)).includes(true);
    if (isNews) await codes.save(code);
  }

  /** Another guardian tells what it has counted. */
  async heard(
    from: HostId,
    { publisher, number, counts }: ValueOf<typeof codeMessages.count.question>,
  ): Promise<ValueOf<typeof codeMessages.count.answer>> {
    const { codes } = this.#ports;
    const code = codes.known(publisher, number);
    if (code === null || !code.kept.guardians.includes(from)) throw noSuchCode();
    if (code.merge(counts)) await codes.save(code);
    return { counts: code.counts };
  }

  #checkRoom(asker: HostId): void {
    const { clock } = this.#ports;
    for (const [name, { until }] of this.#exchanges) if (until <= clock.now()) this.#exchanges.delete(name);
    const own = [...this.#exchanges.values()].filter((one) => one.asker === asker).length;
    const allowance = this.#askers.get(asker) ?? new TokenBucket(askerRate, clock.now);
    this.#askers.set(asker, allowance);
    const isFull = this.#exchanges.size >= maxExchanges || own >= maxExchangesPerAsker;
    if (isFull || allowance.left < 1 || this.#all.left < 1)
      throw new TransportError('refused', 'Too many codes are asked for at once. Try again in a minute.', 'busy');
    allowance.take();
    this.#all.take();
  }

  #sweep(): void {
    this.#ports.codes.dropExpired();
    this.#timer = this.#ports.clock.after(sweepEvery, () => this.#sweep());
  }
}

/** One sentence for all of them: who asks learns nothing about codes that were. */
export const noSuchCodeText =
  'There is no such code: it is unknown, has expired, or was ended by wrong guesses or by its sender. Ask for a new one.';

function noSuchCode(): TransportError {
  return new TransportError('refused', noSuchCodeText, 'not-found');
}

function nameOf(exchange: Uint8Array): string {
  return Buffer.from(exchange).toString('hex');
}
