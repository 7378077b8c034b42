/** Services for programs: who has a token of the service may use it. */
import type { FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { credentials } from '../http/credentials.ts';
import type { Token, TokenScope, Tokens } from '../peer/tokens.ts';
import type { Failures } from './failures.ts';

export interface TokenUse {
  readonly scope: TokenScope;
  readonly writes: boolean;
}

/** Throws `token-required`, `read-only`, or `too-many-requests` after several wrong ones. */
export function checkToken(
  request: FastifyRequest,
  { scope, writes }: TokenUse,
  tokens: Pick<Tokens, 'check'>,
  failures: Failures,
): Token {
  const given = credentials(request.headers.authorization ?? '');
  if (given === null) {
    throw new ChordialError(
      'token-required',
      `This needs a token. The one who runs the door makes it with: chordial token new --for ${scope}`,
    );
  }
  failures.check(request, 'token');
  const token = tokens.check(given, scope);
  if (token === null) {
    failures.count(request, 'token');
    throw new ChordialError('token-required', 'This token is unknown, has expired, or is for another service.');
  }
  if (!writes || !token.isReadOnly) return token;
  throw new ChordialError('read-only', 'This token is only to read, and the request would change something.');
}
