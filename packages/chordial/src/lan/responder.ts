/**
 * What a peer says of itself on one link, after RFC 6762: it asks three times whether its names are taken, announces them twice,
 * answers questions, and takes them back when it ends.
 *
 * Everything is sent to the group, answers too, at most once a second: a question with another's address as its source leads
 * nothing there, and a thousand questions are answered as one.
 */
import type { Clock, Milliseconds, Random, Timer } from '@chordial/ring';
import { isSameRecord, type LanMessage, type LanQuestion, type LanRecord, query, response } from './dns-message.ts';
import { serviceType } from './service.ts';

export interface ResponderPorts {
  readonly clock: Clock;
  readonly random: Random;
  send(message: LanMessage): void;
  /** Another host has one of the names. */
  conflict(): void;
  /** Whether this peer says it, perhaps on another interface of the same link. */
  isOwn(record: LanRecord): boolean;
}

const probes = 3;
const betweenProbes: Milliseconds = 250;
const betweenAnnouncements: Milliseconds = 1000;
export const betweenAnswers: Milliseconds = 1000;
/** The others answer as well: a while apart, and later if the question says that known answers follow. */
const minDelay: Milliseconds = 20;
const minDelayTruncated: Milliseconds = 400;
const spread: Milliseconds = 100;

export class Responder {
  readonly #ports: ResponderPorts;
  #records: readonly LanRecord[] = [];
  /** That a name has no further types, so that one who asks for them need not wait. */
  #denials: readonly LanRecord[] = [];
  #state: 'silent' | 'probing' | 'announced' = 'silent';
  /** The next probe or announcement. */
  #step: Timer | null = null;
  /** What is to be answered, with the one asker, or null for several. */
  readonly #pending = new Map<LanRecord, string | null>();
  #answering: { readonly at: Milliseconds; readonly timer: Timer } | null = null;
  #lastSent: Milliseconds = Number.NEGATIVE_INFINITY;

  constructor(ports: ResponderPorts) {
    this.#ports = ports;
  }

  /** Takes back what was announced before. `delay` for one that meets conflicts all the time. */
  begin(records: readonly LanRecord[], delay: Milliseconds = 0): void {
    this.end();
    this.#records = records;
    this.#denials = denialsOf(records);
    this.#state = 'probing';
    this.#after(delay + this.#ports.random.next() * betweenProbes, () => this.#probe(1));
  }

  /** What need not be told to this peer itself when it asks who is there. */
  get listed(): readonly LanRecord[] {
    return this.#state === 'announced' ? this.#records.filter(({ name }) => name === serviceType) : [];
  }

  /** Of what the host at `from` sent. */
  receive(message: LanMessage, from: string): void {
    if (this.#state === 'silent') return;
    if (message.isResponse) {
      if (this.#isConflict([...message.answers, ...message.additionals])) this.#ports.conflict();
      return;
    }
    if (this.#state === 'probing') {
      // Two that probe for one name at once are rare enough that both choose another.
      if (this.#isConflict(message.authorities)) this.#ports.conflict();
      return;
    }
    if (message.questions.length > 0) this.#answer(message, from);
    else this.#alsoKnown(message.answers, from);
  }

  /** Says goodbye if it was announced. */
  end(): void {
    this.#step?.cancel();
    this.#answering?.timer.cancel();
    this.#answering = null;
    this.#pending.clear();
    if (this.#state === 'announced') {
      this.#ports.send(response({ answers: this.#records.filter(isOurs).map((record) => ({ ...record, ttl: 0 })) }));
    }
    this.#state = 'silent';
  }

  #after(delay: Milliseconds, run: () => void): void {
    this.#step = this.#ports.clock.after(delay, run);
  }

  #probe(count: number): void {
    const authorities = this.#records.filter(({ isUnique }) => isUnique);
    const names = new Set(authorities.map(({ name }) => name));
    this.#ports.send(query({ questions: [...names].map((name) => ({ name, type: 'ANY' })), authorities }));
    this.#after(betweenProbes, () => (count < probes ? this.#probe(count + 1) : this.#announce()));
  }

  #announce(): void {
    this.#state = 'announced';
    this.#sendAll();
    this.#after(betweenAnnouncements, () => this.#sendAll());
  }

  #sendAll(): void {
    this.#lastSent = this.#ports.clock.now();
    this.#ports.send(response({ answers: this.#records.filter(isOurs) }));
  }

  #isConflict(records: readonly LanRecord[]): boolean {
    const { isOwn } = this.#ports;
    return records.some(
      (record) => this.#records.some((own) => own.isUnique && own.name === record.name) && !isOwn(record),
    );
  }

  #answer(message: LanMessage, from: string): void {
    const { clock, random } = this.#ports;
    const wanted = message.questions.flatMap((question) => this.#answersTo(question));
    const open = wanted.filter((record) => !isKnown(record, message.answers));
    if (open.length === 0) return;
    for (const record of open) {
      const asker = this.#pending.get(record);
      this.#pending.set(record, asker === undefined || asker === from ? from : null);
    }
    const isProbe = message.authorities.length > 0;
    const isShared = open.some(({ isUnique }) => !isUnique);
    const least = message.isTruncated ? minDelayTruncated : isShared ? minDelay : 0;
    const delay = least === 0 ? 0 : least + random.next() * spread;
    const at = Math.max(clock.now() + delay, this.#lastSent + (isProbe ? betweenProbes : betweenAnswers));
    if (this.#answering !== null && this.#answering.at <= at) return;
    this.#answering?.timer.cancel();
    this.#answering = { at, timer: clock.after(at - clock.now(), () => this.#sendAnswers()) };
  }

  #answersTo({ name, type }: LanQuestion): readonly LanRecord[] {
    const found = this.#records.filter((record) => record.name === name && (type === 'ANY' || record.type === type));
    return found.length > 0 ? found : this.#denials.filter((record) => record.name === name);
  }

  /** The rest of a question that was truncated. */
  #alsoKnown(answers: readonly LanRecord[], from: string): void {
    for (const [record, asker] of this.#pending) {
      if (asker === from && isKnown(record, answers)) this.#pending.delete(record);
    }
  }

  #sendAnswers(): void {
    this.#answering = null;
    const answers = [...this.#pending.keys()];
    this.#pending.clear();
    if (answers.length === 0) return;
    const isListed = answers.some(({ name }) => name === serviceType);
    const isLocated = isListed || answers.some(({ type }) => type === 'SRV');
    const useful = this.#records.filter(({ type, isUnique }) => {
      return isUnique && (isListed || (isLocated && (type === 'A' || type === 'AAAA')));
    });
    this.#lastSent = this.#ports.clock.now();
    this.#ports.send(response({ answers, additionals: useful.filter((record) => !answers.includes(record)) }));
  }
}

/** The list of kinds of service is everybody's: one that goes takes only its own entry back. */
function isOurs({ name, isUnique }: LanRecord): boolean {
  return isUnique || name === serviceType;
}

/** RFC 6762, 7.1: the asker knows it for at least half of its time. */
function isKnown(record: LanRecord, known: readonly LanRecord[]): boolean {
  return !record.isUnique && known.some((one) => isSameRecord(one, record) && one.ttl >= record.ttl / 2);
}

function denialsOf(records: readonly LanRecord[]): readonly LanRecord[] {
  const unique = records.filter(({ isUnique }) => isUnique);
  return [...Map.groupBy(unique, ({ name }) => name)].map(([name, ofName]): LanRecord => {
    const types = new Set(ofName.flatMap(({ type }) => (type === 'NSEC' ? [] : [type])));
    return { name, ttl: ofName[0]!.ttl, isUnique: true, type: 'NSEC', data: [...types] };
  });
}
