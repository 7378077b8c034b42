/**
 * Proof that a caller runs as the peer's own user on this machine: a key in files readable by that user alone, never
 * handed out, unlike the API token. Only such a caller may name paths, since the peer accesses them with that user's
 * rights; all others stream bytes.
 */
import type { FastifyRequest } from 'fastify';
import { ChordialError } from '../errors.ts';
import { isFromThisMachine } from './access.ts';
import type { ApiContext } from './context.ts';
import { isSame } from './sessions.ts';

/** Throws `forbidden-origin`. */
export function checkIsOfSameUser(
  request: FastifyRequest,
  given: string,
  { localKey, access }: Pick<ApiContext, 'localKey' | 'access'>,
): void {
  const isHere = isFromThisMachine(request.raw, access().origin);
  if (isHere && localKey !== null && isSame(given, localKey)) return;
  throw new ChordialError(
    'forbidden-origin',
    'Paths are for programs of the very user as whom the peer runs, on its machine, and the key does not show that. Stream the bytes with PUT or GET /api/v1/files/NAME.',
  );
}

/**
 * Whether the caller is the peer's page in a browser of this machine: by its session alone, which can be opened only
 * with access to the user's files. The Origin was checked before.
 */
function isOfOwnPage({ raw, headers }: FastifyRequest, { access }: Pick<ApiContext, 'access'>): boolean {
  const isHere = isFromThisMachine(raw, access().origin);
  return headers.origin !== undefined && headers.authorization === undefined && isHere;
}

/** The page of the peer in a browser of its machine gives no key. Throws `forbidden-origin`. */
export function checkMayNamePaths(
  request: FastifyRequest,
  key: string | undefined,
  context: Pick<ApiContext, 'localKey' | 'access'>,
): void {
  if (key !== undefined || !isOfOwnPage(request, context)) checkIsOfSameUser(request, key ?? '', context);
}
