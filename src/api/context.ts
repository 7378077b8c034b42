/** What every group of routes is given. */
import type { Peer } from '../node/peer.ts';
import type { EventLog } from './event-log.ts';

export interface ApiContext {
  /** Throws `not-a-member` while the peer is starting. */
  readonly peer: () => Peer;
  readonly isReady: () => boolean;
  readonly isStarted: () => boolean;
  /** What programs of the peer's own user know and nobody else; null where no such program is served. */
  readonly localKey: string | null;
  /** HOST:PORT as bound. */
  readonly address: () => string;
  readonly events: EventLog;
  /** The peer has left for good and its caller was answered. */
  readonly afterLeave: () => void;
}
