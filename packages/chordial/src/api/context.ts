/** Passed to every group of routes. */
import type { FastifyRequest } from 'fastify';
import type { Peer } from '../peer/peer.ts';
import type { AccessRules } from './access.ts';
import type { EventLog } from './event-log.ts';

export interface ApiContext {
  /** Throws `not-a-member` while the peer is starting. */
  readonly peer: () => Peer;
  readonly isReady: () => boolean;
  readonly isStarted: () => boolean;
  /** A key known only to programs of the peer's own user; null when no such programs are served. */
  readonly localKey: string | null;
  /** HOST:PORT as bound. */
  readonly address: () => string;
  readonly access: () => AccessRules;
  /** Throws `forbidden-origin` for a remote caller: `what` takes paths, which refer to this machine. */
  readonly checkIsHere: (request: FastifyRequest, what: string) => void;
  /** Hexadecimal. */
  readonly proofKey: string;
  readonly events: EventLog;
  /** Called after the peer has left for good and its caller was answered. */
  readonly afterLeave: () => void;
}
