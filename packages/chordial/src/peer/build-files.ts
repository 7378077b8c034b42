/** The operations on files, and the transfers that this peer carries out by itself. */
import { BoundedCache } from '../network/bounded-cache.ts';
import { contentFetcher } from '../transfer/content-fetcher.ts';
import type { NameChanges, Pins } from '../transfer/file-ports.ts';
import { createFiles } from '../transfer/file-service.ts';
import { ReadMemory } from '../transfer/read-memory.ts';
import { SharersOf } from '../transfer/sharers-of.ts';
import { TransferQueue } from '../transfer/transfer-queue.ts';
import type { Records } from './build-records.ts';
import type { Replication } from './build-replication.ts';
import type { DataCore } from './data-core.ts';

/** Names whose time of first sight is cached, which tells new ones among several. */
const maxFirstSeen = 16_384;

export function buildFiles(core: DataCore, records: Records, replication: Replication) {
  const { options, clock, signer, report, view } = core;
  const { shareReader, names } = records;
  const { fetcher, storer } = replication;
  const sharers = new SharersOf(shareReader, clock, core.failed('Sharers of a content could not be looked up'));
  const files = createFiles({
    puts: replication.ownPuts,
    data: core,
    isCached: replication.isCached,
    storer,
    fetcher,
    fetcherOf: (root) => contentFetcher(fetcher, sharers.of(root)),
    reading: new ReadMemory(clock),
    shares: shareReader,
    sharers,
    places: core.places,
    names,
    cut: options.cut ?? {},
    rule: core.rule,
    publisher: signer.host,
    clockNote: options.clockNote ?? (() => null),
    peerNames: core.peerNames,
    pins: options.pins ?? pinsInMemory(),
    firstSeen: new BoundedCache<string, number>(maxFirstSeen),
    notify: core.notify,
    nameChanges: options.nameChanges ?? noIndex,
    release: (names) => replication.release(signer.host, names),
    afterwards: (work) => core.background.run(work),
    closing: core.closing,
  });
  const transfers = new TransferQueue(files, core.storage.catalog, clock, (error) =>
    report('refused', view.self, `The transfer journal could not be written: ${error.message}`),
  );
  return { files, transfers };
}

const noIndex: NameChanges = { changing: async () => undefined, changed: () => undefined };

function pinsInMemory(): Pins {
  const pins = new Map<string, string>();
  return { of: (name) => pins.get(name) ?? null, pin: async (name, publisher) => void pins.set(name, publisher) };
}
