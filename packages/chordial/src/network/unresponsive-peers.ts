/**
 * Hosts that currently leave requests unanswered. A host counts as unresponsive from the first moments, long before the
 * failure detector may declare it dead, and only while it is; readers then ask another one first. It is a hint for
 * ordering: nothing is dropped, called absent or declared dead because of it.
 */
import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { type Transport, TransportError } from './transport.ts';

/** Answers arrive within a few milliseconds; no host may cost a reader more than a part of its 300 ms. */
const silentAfterMilliseconds: Milliseconds = 150;
/** An unreachable host is tried again after this time. */
const believedMilliseconds: Milliseconds = 2000;
/** Hosts remembered; beyond this, those without pending requests are evicted. */
const maxHosts = 4096;

interface Hearing {
  /** Pending requests. */
  open: number;
  /** When the oldest of them was sent, or the last answer arrived if later. */
  since: Milliseconds;
  /** A request failed: unresponsive until then, unless it answers. */
  believedUntil: Milliseconds;
}

export class UnresponsivePeers {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #needsTunnel: (host: HostId) => boolean;
  readonly #hearings = new Map<HostId, Hearing>();

  /** @param needsTunnel whether a relay carries every byte of that host */
  constructor(clock: Pick<Clock, 'now'>, needsTunnel: (host: HostId) => boolean = () => false) {
    this.#clock = clock;
    this.#needsTunnel = needsTunnel;
  }

  isSilent(host: HostId): boolean {
    const hearing = this.#hearings.get(host);
    if (hearing === undefined) return false;
    const now = this.#clock.now();
    if (hearing.believedUntil > now) return true;
    return hearing.open > 0 && now - hearing.since >= silentAfterMilliseconds;
  }

  /** Responsive ones first, of these the ones that no relay carries; otherwise in the given order. */
  responsiveFirst<Asked>(asked: readonly Asked[], hostOf: (one: Asked) => HostId): readonly Asked[] {
    const rank = (host: HostId): number => (this.isSilent(host) ? 2 : Number(this.#needsTunnel(host)));
    const ranked = asked.map((one) => ({ one, rank: rank(hostOf(one)) }));
    if (ranked.every((each) => each.rank === 0)) return asked;
    return ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
  }

  /** The silence was on this side: no host is held responsible for it. */
  forgive(): void {
    for (const hearing of this.#hearings.values()) this.#spoke(hearing);
  }

  /** Wraps a transport. Sending bytes does not count as a request: storing them takes time. */
  watch(transport: Transport): Transport {
    return {
      self: transport.self,
      serve: (handlers) => transport.serve(handlers),
      request: (to, kind, body, options) => this.#hear(to, transport.request(to, kind, body, options)),
      ping: (to, timeout) => this.#hear(to, transport.ping(to, timeout)),
      stream: (to, kind, outgoing, options) => {
        const answer = transport.stream(to, kind, outgoing, options);
        return outgoing.payload === undefined ? this.#hear(to, answer) : answer;
      },
      close: () => transport.close(),
    };
  }

  async #hear<Answer>({ host }: Contact, answer: Promise<Answer>): Promise<Answer> {
    const hearing = this.#hearing(host);
    if (hearing.open === 0) hearing.since = this.#clock.now();
    hearing.open += 1;
    try {
      const answered = await answer;
      this.#spoke(hearing);
      return answered;
    } catch (error) {
      this.#failed(host, hearing, error);
      throw error;
    } finally {
      hearing.open -= 1;
      if (hearing.open === 0 && hearing.believedUntil <= this.#clock.now()) this.#hearings.delete(host);
    }
  }

  #spoke(hearing: Hearing): void {
    hearing.since = this.#clock.now();
    hearing.believedUntil = Number.NEGATIVE_INFINITY;
  }

  #failed(host: HostId, hearing: Hearing, error: unknown): void {
    if (!(error instanceof TransportError)) return;
    if (error.failure === 'refused') this.#spoke(hearing);
    else if (error.failure !== 'aborted' || this.isSilent(host))
      hearing.believedUntil = this.#clock.now() + believedMilliseconds;
  }

  #hearing(host: HostId): Hearing {
    let hearing = this.#hearings.get(host);
    if (hearing === undefined) {
      if (this.#hearings.size >= maxHosts) this.#forgetIdle();
      hearing = { open: 0, since: 0, believedUntil: Number.NEGATIVE_INFINITY };
      this.#hearings.set(host, hearing);
    }
    return hearing;
  }

  #forgetIdle(): void {
    for (const [host, { open }] of this.#hearings) if (open === 0) this.#hearings.delete(host);
  }
}
