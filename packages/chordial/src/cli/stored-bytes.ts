/**
 * The bytes of a link as they are stored, from the first place that sends them: one that is away is asked again later, and
 * others meanwhile.
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LinkedContent } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { IdleTimer } from '../flow/idle-timer.ts';
import type { LinkId } from '../links/link-address.ts';
import type { MeetingPlace } from './meeting-place.ts';

/** A place that sends nothing. */
const silentMilliseconds = 30_000;
const againMilliseconds = { least: 500, most: 15_000 } as const;

export interface StoredAt {
  readonly id: LinkId;
  readonly content: LinkedContent;
  /** The one to ask first first. */
  readonly places: readonly MeetingPlace[];
  /** Whether it can begin in the middle. */
  readonly isRanged: boolean;
  /** Without a single byte; then the command ends, and goes on when it is run again. */
  readonly patience: number;
  readonly signal: AbortSignal;
  /** A sentence when it waits, and when it goes on. */
  readonly tell: (text: string) => void;
}

/** Rejects with `not-found` when every place says that the link is gone, `no-live-source`, and `interrupted`. */
export async function* storedBytes(
  { id, content, places, isRanged, patience, signal, tell }: StoredAt,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = start;
  let heardAt = performance.now();
  let isWaiting = false;
  let gone = 0;
  for (let tries = 0, turn = 0; at < end; turn++) {
    const place = places[turn % places.length]!;
    try {
      for await (const piece of piecesOf(await place.bytes(id, content, { start: at, end, signal }), {
        start: at,
        end,
      })) {
        if (isWaiting) tell(`goes on at ${place.name}`);
        [isWaiting, tries, gone, heardAt] = [false, 0, 0, performance.now()];
        at += piece.length;
        yield piece;
      }
      turn -= 1;
    } catch (error) {
      if (signal.aborted) throw new ChordialError('interrupted', 'Interrupted.');
      const isGone = error instanceof ChordialError && error.code === 'not-found';
      gone = isGone ? gone + 1 : 0;
      if (isGone && gone >= places.length) throw error;
      if (performance.now() - heardAt > patience || (!isRanged && at > start))
        throw new ChordialError('no-live-source', `No door sends the file now: ${(error as Error).message}`);
      if (!isWaiting) tell(`${place.name} does not send the rest (${(error as Error).message}); trying on`);
      isWaiting = true;
      tries += 1;
      const pause = Math.min(againMilliseconds.most, againMilliseconds.least * 2 ** Math.min(tries, 8));
      // All places are tried once before it waits.
      if (tries % places.length === 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** At most the bytes asked for. Rejects when the place sends others, or none for too long. */
async function* piecesOf(
  response: IncomingMessage,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const idle = new IdleTimer(silentMilliseconds, () => response.destroy(new Error('nothing came for 30 s')));
  idle.begin();
  try {
    const range = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '');
    if (Number(range?.[1] ?? 0) !== start) throw new Error('other bytes were sent than asked for');
    let at = start;
    for await (const piece of response as AsyncIterable<Buffer>) {
      idle.progress();
      const wanted = piece.subarray(0, end - at);
      at += wanted.length;
      if (wanted.length > 0) yield wanted;
      if (at >= end) return;
    }
    throw new Error('it was cut off');
  } finally {
    idle.close();
    response.destroy();
  }
}
