/**
 * Acknowledged operations, and the reads they allow. An unacknowledged put or removal may or may not have taken effect, and
 * may take effect later.
 */
import { hash } from 'node:crypto';
import type { Milliseconds, Random } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { buildFile } from '../../src/content/builder.ts';
import type { DataHost } from './data-simulation.ts';

/** So small that short files have trees of blocks. */
export const cut = { leafBytes: 512, linksPerNode: 3 };

/** One put or removal of a name by its publisher. */
export interface Attempt {
  /** The content of the name afterwards; null for a removal. */
  readonly content: Content | null;
  /** Milliseconds since 1970, or null. */
  readonly timeToLive: Milliseconds | null;
  readonly replicas: number;
  /** Latest wall time of the acknowledgement; Infinity while in progress or after a failure. */
  acknowledged: Milliseconds;
  isInFlight: boolean;
  /** The promise: it survives copies − 1 losses before repair. */
  copies: number;
  /** Hosts whose disks were lost since it began, or since it last had all copies. */
  readonly lost: Set<DataHost>;
}

export interface Content {
  readonly bytes: Uint8Array;
  readonly root: CID;
  readonly cids: readonly CID[];
}

/** All operations of a publisher on one name, in order. */
export interface PublishedName {
  readonly name: string;
  readonly publisher: DataHost;
  readonly attempts: Attempt[];
}

/** Valid results of a read now. */
export interface Expected {
  readonly contents: readonly Content[];
  readonly mayBeAbsent: boolean;
  /** The acknowledged put that must be readable, unless a later attempt interferes. */
  readonly promised: Attempt | null;
}

/** Clocks of the simulation agree; an expiry counts from the end of the put, shortly before its acknowledgement. */
const longestPut: Milliseconds = 60_000;

export class DataOracle {
  readonly names: PublishedName[] = [];
  /** Told of lost disks too. */
  alsoLost: ((host: DataHost) => void) | null = null;

  begin(published: PublishedName, attempt: Omit<Attempt, 'acknowledged' | 'isInFlight' | 'copies' | 'lost'>): Attempt {
    const begun = {
      ...attempt,
      acknowledged: Number.POSITIVE_INFINITY,
      isInFlight: true,
      copies: 0,
      lost: new Set<DataHost>(),
    };
    published.attempts.push(begun);
    if (!this.names.includes(published)) this.names.push(published);
    return begun;
  }

  expected({ attempts }: PublishedName, wall: Milliseconds): Expected {
    const contents: Content[] = [];
    let mayBeAbsent = false;
    for (const attempt of attempts.toReversed()) {
      const isAcknowledged = attempt.acknowledged !== Number.POSITIVE_INFINITY;
      if (attempt.content === null) {
        mayBeAbsent = true;
        if (isAcknowledged) return { contents, mayBeAbsent, promised: null };
        continue;
      }
      const expiry = isAcknowledged && attempt.timeToLive !== null ? attempt.acknowledged + attempt.timeToLive : null;
      if (expiry !== null && wall > expiry) mayBeAbsent = true;
      else contents.push(attempt.content);
      if (attempt.timeToLive !== null && (expiry === null || wall > expiry - longestPut)) mayBeAbsent = true;
      if (isAcknowledged)
        return { contents, mayBeAbsent, promised: mayBeAbsent || attempts.at(-1) !== attempt ? null : attempt };
    }
    return { contents, mayBeAbsent: true, promised: null };
  }

  /** Ever put under this name. */
  everything({ attempts }: PublishedName): readonly Content[] {
    return attempts.flatMap(({ content }) => content ?? []);
  }

  /** A disk is lost or no longer trusted. */
  lost(host: DataHost): void {
    for (const { attempts } of this.names) for (const { lost } of attempts) lost.add(host);
    this.alsoLost?.(host);
  }
}

/** Different for each name, the same in every run. */
export async function contentOf(name: string, random: Random): Promise<Content> {
  const size = Math.floor(random.next() ** 2 * 4000);
  const seed = hash('sha256', name, 'buffer');
  const bytes = Uint8Array.from({ length: size }, (_, index) => (seed[index % seed.length] ?? 0) ^ (index >> 5));
  const cids: CID[] = [];
  const { cid: root } = await buildFile(
    oneChunk(bytes),
    async ({ cid }) => {
      cids.push(cid);
    },
    cut,
  );
  return { bytes, root, cids };
}

export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
