/** A file or folder as a response of the API: headers that describe it, conditions, bytes or listing. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagOf, evaluateConditions, lastModifiedOf } from '../http/conditions.ts';
import { disposition, sendBytes } from '../http/file-bytes.ts';
import { type Files, fileAttributesOf } from '../transfer/files.ts';
import { checkIsOpen } from '../transfer/seals.ts';
import type { Wanted } from './content-reference.ts';
import { sendListing } from './directory-listing.ts';

/** What to send, limited to `most` bytes. */
export interface WantedContent extends Wanted {
  readonly most?: number | null;
  /** Of a sealed file. */
  readonly passphrase?: string | undefined;
}

export async function sendContent(
  files: Files,
  wanted: WantedContent,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { entry, passphrase } = wanted;
  checkIsOpen(entry, passphrase);
  const modified = lastModifiedOf(entry);
  if (modified !== null) reply.header('Last-Modified', modified);
  // What is sealed is not kept in the clear by a browser.
  if (entry.sealed) reply.header('Cache-Control', 'no-store');
  if (!reply.hasHeader('Cache-Control')) reply.header('Cache-Control', 'private, no-cache');
  reply.header('ETag', etagOf(entry)).header('X-Content-Type-Options', 'nosniff');
  reply.header('X-Chordial-Cid', entry.cid).header('X-Chordial-Type', entry.type);
  reply.header('X-Chordial-Others', String(entry.others));
  const isTooMuch = typeof wanted.most === 'number' && (entry.type === 'directory' || entry.size > wanted.most);
  // The Content-Length of a folder would be that of its listing.
  if (entry.type === 'directory' || isTooMuch) reply.header('X-Chordial-Size', String(entry.size));
  if (entry.publisher !== null) reply.header('X-Chordial-Publisher', entry.publisher);
  const attributes = fileAttributesOf(entry);
  if (attributes.modified !== null) reply.header('X-Chordial-Modified', String(attributes.modified));
  if (attributes.executable) reply.header('X-Chordial-Executable', 'true');
  if (entry.sealed) reply.header('X-Chordial-Sealed', entry.sealed.name);
  // Percent-encoded: headers are Latin-1.
  if (entry.name !== null) reply.header('X-Chordial-Name', encodeURIComponent(entry.name));
  if (entry.publisherName !== null) reply.header('X-Chordial-Publisher-Name', encodeURIComponent(entry.publisherName));
  if (evaluateConditions(request, entry) === 'unchanged') return reply.code(304).send();
  if (isTooMuch) return reply.code(204).send();
  if (entry.type === 'directory') return sendListing(files, wanted, request, reply);
  reply.header('Content-Disposition', disposition(wanted.filename));
  // Never a type that a browser executes: the bytes are untrusted and would run with the rights of this origin.
  reply.type('application/octet-stream').header('Content-Security-Policy', "sandbox; default-src 'none'");
  const content: Pick<Files, 'read'> = {
    read: (_, range, signal) =>
      files.readEntry(entry, { passphrase, ...(range && { range }), ...(signal && { signal }) }),
  };
  return sendBytes(content, entry, request, reply);
}
