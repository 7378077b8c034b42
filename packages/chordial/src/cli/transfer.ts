/** Follows a transfer that the peer carries out on local files. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransferStatus } from '../client/answers.ts';
import type { PartOf } from '../client/operations.ts';
import { ChordialError, isErrorCode } from '../errors.ts';
import type { ApiClient } from './client.ts';
import { note } from './output.ts';
import type { ShownProgress } from './progress.ts';

export type TransferBody = PartOf<'POST /api/v1/transfers', 'body'>;

/** Answered at once when the transfer ends; the interval moves the progress bar. */
const waitMilliseconds = 250;
/** A peer pauses a transfer whose state is not requested for 15 s. */
const awayMilliseconds = 5000;

export async function startTransfer(client: ApiClient, body: TransferBody): Promise<TransferStatus> {
  try {
    return await client.call('POST /api/v1/transfers', { body });
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'disk-full') throw error;
    // The disk of its data has no room for the journal; the file may be on another one.
    throw new ChordialError('unwritable-file', error.message, { cause: error });
  }
}

/** The result of the transfer. Throws what made it fail. The signal cancels it: nothing incomplete remains. */
export async function watchTransfer(
  client: ApiClient,
  id: string,
  progress: ShownProgress,
  signal: AbortSignal,
): Promise<unknown> {
  let askedAt = performance.now();
  let told: string | undefined;
  let isSlownessTold = false;
  try {
    for (;;) {
      const status = await client.call('GET /api/v1/transfers/{id}', {
        path: { id },
        query: { wait: waitMilliseconds },
      });
      if (status.state !== 'running' && status.state !== 'paused') return resultOf(status);
      // This command was suspended for a while and counted as gone.
      const wasAway = performance.now() - askedAt > awayMilliseconds;
      askedAt = performance.now();
      if (status.state === 'paused' && wasAway) await resumeTransfer(client, status);
      if (status.state === 'paused' && status.error?.message !== told) {
        told = status.error?.message;
        if (told !== undefined) note(told);
      }
      if (status.note !== null && !isSlownessTold) {
        isSlownessTold = true;
        note(status.note.text);
      }
      if (signal.aborted) {
        await client.call('DELETE /api/v1/transfers/{id}', { path: { id } });
        throw new ChordialError(
          'interrupted',
          `The ${status.kind} was cancelled. Run the command again to start over.`,
        );
      }
      await progress.update(status.bytesDone, status.bytesTotal);
      // It is answered at once.
      if (status.state === 'paused') await sleep(waitMilliseconds);
    }
  } finally {
    progress.end();
  }
}

/** The last unfinished get to this path; a failed one can be resumed as well. */
export async function unfinishedGet(client: ApiClient, path: string): Promise<TransferStatus | null> {
  const { transfers } = await client.call('GET /api/v1/transfers');
  const last = transfers.filter((one) => one.kind === 'get' && one.path === path).at(-1);
  return last === undefined || last.state === 'done' || last.state === 'cancelled' ? null : last;
}

export async function resumeTransfer(client: ApiClient, { id, state }: TransferStatus): Promise<void> {
  if (state !== 'running')
    await client.call('PATCH /api/v1/transfers/{id}', { path: { id }, body: { state: 'running', isAttended: true } });
}

/** Whether the peer could not use the path itself: another machine behind a tunnel, another user, another container. */
export function isPathTrouble(error: unknown): boolean {
  return (
    error instanceof ChordialError && ['unreadable-file', 'unwritable-file', 'forbidden-origin'].includes(error.code)
  );
}

function resultOf({ kind, state, error, result }: TransferStatus): unknown {
  if (state === 'done') return result;
  if (error !== null) throw new ChordialError(isErrorCode(error.code) ? error.code : 'internal', error.message);
  throw new ChordialError(
    'interrupted',
    `The ${kind} was cancelled by someone else. Run the command again to start over.`,
  );
}
