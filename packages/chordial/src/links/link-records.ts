/** Records of kind `link` on the ring: written, read and ended by what their subject is a hash of. */
import type { HostId } from '@chordial/ring';
import { type EncodedEntry, maxLinkMilliseconds, type UnsignedEntry } from '../records/entry.ts';
import { EntrySigner } from '../records/entry-signer.ts';
import { isCurrent, maxClockSkewMilliseconds } from '../records/merge.ts';
import type { Signing } from '../records/names.ts';
import { linkKey } from '../records/record-keys.ts';
import type { RecordPorts } from '../records/record-ports.ts';
import type { RecordReader } from '../records/record-reader.ts';
import type { RecordWriter } from '../records/record-writer.ts';

/** Hosts asked beyond the places for what is not there: strangers may ask for anything. */
const hostsBehindPlaces = 2;

export type LinkRecordPorts = Pick<RecordPorts, 'clock' | 'rule' | 'table'> & Signing;

export type LinkStore = Pick<LinkRecords, 'publisher' | 'publish' | 'end' | 'read'>;

export class LinkRecords {
  readonly #ports: LinkRecordPorts;
  readonly #writer: Pick<RecordWriter, 'store'>;
  readonly #reader: Pick<RecordReader, 'read'>;
  readonly #signer: EntrySigner;

  constructor(ports: LinkRecordPorts, writer: Pick<RecordWriter, 'store'>, reader: Pick<RecordReader, 'read'>) {
    this.#ports = ports;
    this.#writer = writer;
    this.#reader = reader;
    this.#signer = new EntrySigner(ports.networkId, (bytes) => ports.signer.sign(bytes));
  }

  /**
   * Durable on the write quorum when it resolves; the publisher keeps a copy, and pushes it to its places like those of its
   * names. Rejects with `too-few-copies`.
   */
  async publish(unsigned: UnsignedEntry): Promise<void> {
    const encoded = await this.#signer.sign(unsigned);
    const { kind, publisher, subject, sequence, expiry } = encoded.entry;
    const row = { kind, publisher, subject, key: linkKey(subject), sequence, expiry, bytes: encoded.bytes };
    const { table, clock } = this.#ports;
    await this.#writer.store([encoded]);
    if (table.find(row)?.sequence === sequence) return;
    await table.put([row], clock.wallTime() + maxClockSkewMilliseconds);
  }

  /** Signs the end of a subject: it expires with what it ends, which can then no longer come back. */
  async end(subject: Uint8Array, { sequence, expiry }: Pick<UnsignedEntry, 'sequence' | 'expiry'>): Promise<void> {
    const ended = Math.max(sequence + 1, this.#ports.clock.wallTime());
    const latest = ended + maxLinkMilliseconds;
    const until = Math.min(expiry ?? latest, latest);
    const publisher = this.#ports.signer.host;
    await this.publish({ kind: 'link', subject, publisher, sequence: ended, expiry: until, body: null });
  }

  /** Verified and current, one per publisher. Rejects with `no-live-source` when no host that would know answers. */
  async read(subject: Uint8Array): Promise<readonly EncodedEntry[]> {
    const entries = await this.#reader.read(linkKey(subject), ['link'], this.#ports.rule.replicas + hostsBehindPlaces);
    const now = this.#ports.clock.wallTime();
    return entries.filter(({ entry }) => isCurrent(entry, now) && Buffer.compare(entry.subject, subject) === 0);
  }

  get publisher(): HostId {
    return this.#ports.signer.host;
  }
}
