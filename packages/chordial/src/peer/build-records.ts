/** Signed records and shares: what this peer holds of them, and how it reads and writes those of the ring. */
import { isDialable } from '../network/addresses.ts';
import { BatchAnnouncer, defaultAnnouncerTimes } from '../records/batch-announcer.ts';
import { EntryVerifier } from '../records/entry-verifier.ts';
import { HeaderVerifier } from '../records/header-verifier.ts';
import { Names } from '../records/names.ts';
import { type PublisherEntry, publisherEntry } from '../records/publisher-entry.ts';
import { RecordHolder } from '../records/record-holder.ts';
import { RecordReader } from '../records/record-reader.ts';
import { RecordWriter } from '../records/record-writer.ts';
import { ShareHolder } from '../records/share-holder.ts';
import { RingShareReader } from '../records/share-reader.ts';
import { leafSet } from '../storage/item-index.ts';
import type { DataCore } from './data-core.ts';

export type Records = ReturnType<typeof buildRecords>;

export function buildRecords(core: DataCore) {
  const { options, storage, membership, clock } = core;
  const { networkId, verify } = options;
  const verifier = new EntryVerifier(networkId, verify, (host, time) => membership.refuses(host, time));
  const ports = { ...core, storageShares: storage.storageShares ?? null, table: storage.records, verifier };
  const recordHolder = new RecordHolder(ports);
  const recordWriter = new RecordWriter(ports, recordHolder);
  const reader = new RecordReader(ports, recordHolder);
  const headers = new HeaderVerifier({
    networkId,
    verify,
    clock,
    isAddress: isDialable,
    // At time 0 it refuses only publishers that are purged or may not publish.
    isRefused: (host) => membership.isRemoved(host) || membership.refuses(host, 0),
  });
  const rowOfItem = (key: string) => storage.index.find(leafSet, key)?.record ?? null;
  const shareHolder = new ShareHolder(ports, storage.shares, headers, rowOfItem);
  const sharePorts = { ...ports, headers, holder: shareHolder };
  const announcer = new BatchAnnouncer(
    { ...sharePorts, networkId },
    storage.ownBatches,
    { ...defaultAnnouncerTimes, ...options.announcerTimes },
    core.failed('Shares could not be renewed and will be retried'),
  );
  shareHolder.answerIn(recordHolder.answerIn(core.registry));
  return {
    names: new Names(ports, recordWriter, reader),
    recordHolder,
    recordWriter,
    reader,
    /** What the publisher of a name says of it now. */
    entryOf: (publisher: string, name: string): Promise<PublisherEntry> =>
      publisherEntry(ports, reader, publisher, name),
    shareHolder,
    /** Finds and announces shared files. */
    shareReader: new RingShareReader(sharePorts, storage.shares),
    announcer,
  };
}
