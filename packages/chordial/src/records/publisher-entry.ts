/** The publisher's entry of one of its names, read to decide whether its content is still wanted. */
import { ChordialError } from '../errors.ts';
import { isCurrent, isFromTheFuture } from './merge.ts';
import { nameSubject } from './name-entry.ts';
import { recordKeyOfName } from './record-keys.ts';
import type { RecordPorts } from './record-ports.ts';
import type { RecordReader } from './record-reader.ts';

export type PublisherEntry =
  /** The newest entry; `current` when it is neither a tombstone nor expired. */
  | {
      readonly kind: 'entry';
      readonly sequence: number;
      readonly current: boolean;
      /** Milliseconds since 1970, or null. */
      readonly expiry: number | null;
    }
  /** As many hosts as an entry has replicas said that there is none. */
  | { readonly kind: 'absent' }
  /** Too few answered to decide, or with an entry from the future. */
  | { readonly kind: 'unknown' };

export async function publisherEntry(
  ports: Pick<RecordPorts, 'clock' | 'places' | 'rule' | 'view'>,
  reader: Pick<RecordReader, 'read'>,
  publisher: string,
  name: string,
): Promise<PublisherEntry> {
  const { clock, places, rule, view } = ports;
  const subject = nameSubject(name);
  try {
    const entries = await reader.read(recordKeyOfName(name, places), ['name']);
    const own = entries.find(({ entry }) => entry.publisher === publisher && sameBytes(entry.subject, subject));
    if (own !== undefined) {
      const { sequence, expiry } = own.entry;
      const now = clock.wallTime();
      // Made under a wrong clock: where it is, and only there, it may hide one that holds.
      if (isFromTheFuture(own.entry, now)) return { kind: 'unknown' };
      return { kind: 'entry', sequence, current: isCurrent(own.entry, now), expiry };
    }
    // A peer that founded the ring again, or was partitioned with few others, has no host to ask that would know.
    return view.hosts().length >= rule.replicas ? { kind: 'absent' } : { kind: 'unknown' };
  } catch (error) {
    if (error instanceof ChordialError) return { kind: 'unknown' };
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
