/** What a service of the door is, and what it is given. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Peer } from '../peer/peer.ts';
import type { ServiceName } from '../peer/settings.ts';
import type { Token } from '../peer/tokens.ts';
import type { Failures } from './failures.ts';
import type { TokenUse } from './token-check.ts';

export interface DoorService {
  readonly name: ServiceName;
  /** Declares its routes, in a scope of its own. */
  routes(app: FastifyInstance, context: DoorContext): void | Promise<void>;
}

export interface DoorContext {
  /** Throws `not-a-member` while the peer is starting. */
  readonly peer: () => Peer;
  /** `https://files.example.org`, without a slash at its end: what links begin with. */
  readonly baseUrl: () => string;
  /** Whether visitors come by TLS, here or at the proxy of `door-url`: for the attribute Secure of cookies. */
  readonly isSecure: () => boolean;
  /** Wrong passwords and tokens, per network of the visitor. */
  readonly failures: Failures;
  /** For services for programs. Throws `token-required`, `read-only`, or `too-many-requests` after several wrong ones. */
  readonly checkToken: (request: FastifyRequest, use: TokenUse) => Token;
}

/** `https://files.example.org`, as the visitor reaches this door. */
export function originOf({ host }: FastifyRequest, { isSecure, baseUrl }: DoorContext): string {
  const isSane = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i.test(host);
  return isSane ? `${isSecure() ? 'https' : 'http'}://${host}` : baseUrl();
}
