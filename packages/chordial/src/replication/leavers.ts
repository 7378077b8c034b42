/**
 * Hosts that are handing over what they hold in order to leave. Their items reach their final places before these are
 * places: until the leave they look like excess replicas, and dropping them would lose copies. So nothing is dropped
 * meanwhile.
 *
 * `sync.leaving` request `{isLeaving}` → `{}`: the asker is handing over, or has cancelled. Repeated while it
 * continues, and expires otherwise.
 */

import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Transport } from '../network/transport.ts';
import type { RingView } from '../records/ring-view.ts';
import { syncMessages } from './sync-messages.ts';

/** Repeated this often … */
const againMilliseconds: Milliseconds = 15_000;
/** … and valid this long: three may be lost. */
const believedMilliseconds: Milliseconds = 60_000;
/** A leave takes minutes. A host that claims to leave for longer only keeps others from cleaning up. */
const maxLeavingMilliseconds: Milliseconds = 3600 * 1000;
const maxLeavers = 1024;
const deadlineMilliseconds: Milliseconds = 2000;

interface Leaver {
  readonly since: Milliseconds;
  readonly told: Milliseconds;
  readonly until: Milliseconds;
}

export class Leavers {
  readonly #view: Pick<RingView, 'hosts'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #leavers = new BoundedCache<HostId, Leaver>(maxLeavers);

  constructor(view: Pick<RingView, 'hosts'>, clock: Pick<Clock, 'now'>) {
    this.#view = view;
    this.#clock = clock;
  }

  /** `sync.leaving` */
  told(from: Contact, isLeaving: boolean): void {
    const now = this.#clock.now();
    const known = this.#leavers.get(from.host);
    const since = known !== undefined && now - known.told < believedMilliseconds ? known.since : now;
    const until = Math.min(now + believedMilliseconds, since + maxLeavingMilliseconds);
    this.#leavers.set(from.host, { since, told: now, until: isLeaving ? until : now });
  }

  /** Whether the host is handing over, or was when it was last heard. */
  isLeaving(host: HostId): boolean {
    return (this.#leavers.get(host)?.until ?? Number.NEGATIVE_INFINITY) > this.#clock.now();
  }

  /** Whether any host of the ring is handing over. */
  isAny(): boolean {
    return this.#view.hosts().some(({ host }) => this.isLeaving(host));
  }
}

/**
 * Tells all hosts that this one is handing over, before the first item and while `work` runs; and that it stays, if
 * that fails.
 */
export async function whileLeaving<Result>(
  ports: {
    readonly view: Pick<RingView, 'hosts' | 'self'>;
    readonly transport: Transport;
    readonly clock: Clock;
    readonly report?: (what: 'no-answer', host: Contact, detail: string) => void;
  },
  work: () => Promise<Result>,
): Promise<Result> {
  const { view, transport, clock, report } = ports;
  const tell = async (isLeaving: boolean): Promise<void> => {
    const others = view.hosts().filter(({ host }) => host !== view.self.host);
    await Promise.all(
      others.map((host) =>
        syncMessages.leaving
          .ask(transport, host, { isLeaving }, { deadline: deadlineMilliseconds })
          .catch((error: Error) => report?.('no-answer', host, error.message)),
      ),
    );
  };
  const again = (): void => {
    void tell(true);
    timer = clock.after(againMilliseconds, again);
  };
  let timer = clock.after(againMilliseconds, again);
  try {
    await tell(true);
    return await work();
  } catch (error) {
    timer.cancel();
    await tell(false);
    throw error;
  } finally {
    timer.cancel();
  }
}
