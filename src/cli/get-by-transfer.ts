/** A get that the peer writes itself, on the same machine: the command only proves that the user may write there. */
import { randomBytes } from 'node:crypto';
import { ChordialError } from '../errors.ts';
import type { FileReference } from '../transfer/files.ts';
import type { TransferStatus } from '../transfer/transfers.ts';
import type { ApiClient } from './client.ts';
import type { Found } from './found-file.ts';
import { createPart, dropUntouchedPart, hasPart } from './part-file.ts';
import type { ShownProgress } from './progress.ts';
import { resumeTransfer, startTransfer, unfinishedGet, watchTransfer } from './transfer.ts';

export interface GetOptions {
  /** Replaces what is there. */
  readonly force: boolean;
  readonly progress: ShownProgress;
  /** Cancels the get; nothing half-written stays. */
  readonly signal: AbortSignal;
}

/** Whether the target was already there with the same bytes. */
export async function getByTransfer(
  client: ApiClient,
  found: Found,
  target: string,
  { force, progress, signal }: GetOptions,
): Promise<boolean> {
  const open = await unfinishedGet(client, target);
  if (open !== null && (await goesOn(open, found, target, force))) {
    await resumeTransfer(client, open);
    return isUnchanged(await watchTransfer(client, open.id, progress, signal));
  }
  const nonce = randomBytes(16).toString('hex');
  const part = await createPart(target);
  try {
    await part.writeFile(nonce);
  } finally {
    await part.close();
  }
  try {
    const { id } = await startTransfer(client, { kind: 'get', ...found.reference, path: target, nonce, force });
    return isUnchanged(await watchTransfer(client, id, progress, signal));
  } finally {
    await dropUntouchedPart(target, nonce);
  }
}

/** Whether the get that an ended command, a restarted peer or a failure left is the one wanted now. */
async function goesOn(open: TransferStatus, { reference }: Found, target: string, force: boolean): Promise<boolean> {
  const isSame = open.reference === textOf(reference);
  // A failed one has kept what is of use in the part; with other flags, or without the part, it would fail again.
  if (open.state === 'failed') return isSame && !force && (await hasPart(target));
  if (isSame) return true;
  throw new ChordialError(
    'already-exists',
    `Another get (${open.reference}) is writing to ${target}. Wait for it, or write elsewhere with -o.`,
  );
}

/** As the API writes it. */
function textOf({ cid, name, publisher }: FileReference): string {
  if (cid !== undefined) return cid;
  return publisher === undefined ? `name:${name}` : `name:${name}@${publisher}`;
}

function isUnchanged(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'unchanged' in result && result.unchanged === true;
}
