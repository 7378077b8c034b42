/** A get that the peer writes itself, on the same machine: the command only proves that the user may write there. */
import { randomBytes } from 'node:crypto';
import type { ApiClient } from './client.ts';
import type { Found } from './found-file.ts';
import { createPart, dropUntouchedPart } from './part-file.ts';
import type { Progress } from './progress.ts';
import { resumeTransfer, startTransfer, unfinishedTransfer, watchTransfer } from './transfer.ts';

/** Whether the target was already there with the same bytes. */
export async function getByTransfer(
  client: ApiClient,
  found: Found,
  target: string,
  force: boolean,
  progress: Progress,
): Promise<boolean> {
  // The one that an ended command or a restarted peer left goes on from where it is.
  const open = await unfinishedTransfer(client, { kind: 'get', path: target });
  if (open !== null) {
    await resumeTransfer(client, open);
    return isUnchanged(await watchTransfer(client, open.id, progress));
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
    return isUnchanged(await watchTransfer(client, id, progress));
  } finally {
    await dropUntouchedPart(target, nonce);
  }
}

function isUnchanged(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'unchanged' in result && result.unchanged === true;
}
