/** The record of a number: whose code it is and which members answer for it. Nothing of the code is in it. */
import { hash } from 'node:crypto';
import type { Clock, HostId, Milliseconds } from '@chordial/ring';
import { isHostId } from '../network/host-id.ts';
import type { EncodedEntry, UnsignedEntry } from '../records/entry.ts';
import { maxGuardians } from './code-messages.ts';

export interface CodeRecord {
  readonly publisher: HostId;
  readonly guardians: readonly HostId[];
  /** Milliseconds since 1970. */
  readonly sequence: number;
  readonly expiry: number | null;
}

/** Records of kind `link`, which are found by what their subject is a hash of. */
export interface HashedRecords {
  readonly publisher: HostId;
  publish(unsigned: UnsignedEntry): Promise<void>;
  end(subject: Uint8Array, ended: Pick<UnsignedEntry, 'sequence' | 'expiry'>): Promise<void>;
  read(subject: Uint8Array): Promise<readonly EncodedEntry[]>;
}

export class CodeRecords {
  readonly #records: HashedRecords;
  readonly #clock: Clock;

  constructor(records: HashedRecords, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** The one who had the number first comes first: of two that took it at once, the other takes another one. */
  async read(number: number): Promise<readonly CodeRecord[]> {
    const entries = await this.#records.read(subjectOf(number));
    const records = entries.flatMap(({ entry }) => recordIn(entry) ?? []);
    return records.sort((a, b) => a.sequence - b.sequence || (a.publisher < b.publisher ? -1 : 1));
  }

  /** Rejects with `too-few-copies`. */
  async write(number: number, guardians: readonly HostId[], expiry: Milliseconds): Promise<void> {
    const { publisher } = this.#records;
    const sequence = this.#clock.wallTime();
    await this.#records.publish({
      kind: 'link',
      subject: subjectOf(number),
      publisher,
      sequence,
      expiry,
      body: { guardians },
    });
  }

  async end(number: number): Promise<void> {
    const subject = subjectOf(number);
    const own = (await this.#records.read(subject)).find(({ entry }) => entry.publisher === this.#records.publisher);
    if (own !== undefined) await this.#records.end(subject, own.entry);
  }
}

export function subjectOf(number: number): Uint8Array {
  return hash('sha256', `code:${number}`, 'buffer');
}

/** Null for anything malformed: members may sign what they want. */
function recordIn({ publisher, sequence, expiry, body }: UnsignedEntry): CodeRecord | null {
  const guardians = body?.['guardians'];
  const isList = Array.isArray(guardians) && guardians.length > 0 && guardians.length <= maxGuardians;
  return isList && guardians.every(isHostId) ? { publisher, guardians, sequence, expiry } : null;
}
