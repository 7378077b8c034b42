/**
 * Hosts that are handing over what they hold, to leave for good. What they push lies where it has its place only when they
 * have gone: until then it looks like surplus, and dropped as such it would be missing. So nothing is dropped meanwhile.
 *
 * `sync.leaving` request `{isLeaving}` → `{}`: the asker hands over, or has broken it off. It is told again while it goes
 * on, and forgotten when it is not.
 */

import type { Clock, Contact, HostId, Milliseconds } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import type { Transport, Wire } from '../network/transport.ts';
import { field, readBoolean } from '../network/wire-reading.ts';
import type { RingView } from '../records/ring-view.ts';

export const leavingMessage = 'sync.leaving';

/** Told again this often … */
const againMilliseconds: Milliseconds = 15_000;
/** … and believed for so long: three of these may be lost. */
const believedMilliseconds: Milliseconds = 60_000;
/** A leave takes minutes. One that says so for longer only keeps others from tidying up. */
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
  told(from: Contact, body: Wire): Wire {
    const isLeaving = readBoolean(field(body, 'isLeaving'), 'whether it leaves');
    const now = this.#clock.now();
    const known = this.#leavers.get(from.host);
    const since = known !== undefined && now - known.told < believedMilliseconds ? known.since : now;
    const until = Math.min(now + believedMilliseconds, since + maxLeavingMilliseconds);
    this.#leavers.set(from.host, { since, told: now, until: isLeaving ? until : now });
    return {};
  }

  /** Whether some host of the ring is handing over. */
  isAny(): boolean {
    const now = this.#clock.now();
    return this.#view.hosts().some(({ host }) => (this.#leavers.get(host)?.until ?? now) > now);
  }
}

/** Tells all hosts that this one hands over, before the first item and as long as `work` lasts; and that it stays, if that fails. */
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
        transport
          .request(host, leavingMessage, { isLeaving }, { deadline: deadlineMilliseconds })
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
