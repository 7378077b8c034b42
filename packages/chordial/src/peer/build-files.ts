/** The operations on files, and the transfers that this peer carries out by itself. */
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { contentFetcher } from '../transfer/content-fetcher.ts';
import type { FilePorts, NameChanges, Pins } from '../transfer/file-ports.ts';
import type { Files } from '../transfer/files.ts';
import { getPath } from '../transfer/get-path.ts';
import { FileListing } from '../transfer/list-files.ts';
import { changingName, checkFits } from '../transfer/publish.ts';
import { putFile, putPath } from '../transfer/put-file.ts';
import { putFolder } from '../transfer/put-folder.ts';
import { entryAt, readFile, walkFolder } from '../transfer/read-file.ts';
import { ReadMemory } from '../transfer/read-memory.ts';
import { releaseBlocks } from '../transfer/release-blocks.ts';
import { resolve } from '../transfer/resolve.ts';
import { shareResolver } from '../transfer/share-resolver.ts';
import { SharersOf } from '../transfer/sharers-of.ts';
import { liveCopies, statFile } from '../transfer/stat-file.ts';
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
  const files = filesOver({
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

/** Each operation is in its own file of src/transfer. */
function filesOver(ports: FilePorts): Files {
  const listing = new FileListing(ports);
  return {
    put: (name, source, options = {}) => putFile(ports, name, source, options),
    checkFits: (name, bytes) => checkFits(ports, checkName(name), bytes, {}),
    putPath: (name, path, options = {}) => putPath(ports, name, path, options),
    putFolder: (name, items, options = {}) => putFolder(ports, name, items, options),
    resolve: async (reference, options) => (await resolve(ports, reference, options)).entry,
    read: (cid, range, signal) => readFile(ports, cid, range, signal),
    walk: (cid, signal) => walkFolder(ports, cid, signal),
    entryAt: (cid, path, signal) => entryAt(ports, cid, path, signal),
    getPath: (reference, path, options = {}) => getPath(ports, reference, path, options),
    stat: (reference) => statFile(ports, reference),
    copiesOf: (cids, milliseconds) => liveCopies(ports, cids.map(parseCid), milliseconds),
    evidenceOf: async (name) => {
      const [put, shared] = await Promise.all([ports.names.find(name), shareResolver(ports, name)]);
      return [
        ...put.map(({ publisher, cid, size }) => ({ host: publisher, root: cid, size, isShared: false })),
        ...shared.map(({ source, cid, size }) => ({ host: source.host, root: cid, size, isShared: true })),
      ];
    },
    list: (options) => listing.page(options),
    remove: async (name) => {
      const checked = checkName(name);
      const { ended, sequence } = await changingName(ports, checked, ports.names.own(checked), () =>
        ports.names.end(checked),
      );
      ports.afterwards(releaseBlocks(ports, { name: ended.name, sequence }, ended.cid));
      ports.notify({ kind: 'removed', text: `Removed ${JSON.stringify(name)}.` });
    },
  };
}
