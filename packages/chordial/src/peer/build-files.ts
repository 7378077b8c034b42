/** The operations on files, and the transfers that this peer carries out by itself. */
import type { CID } from 'multiformats/cid';
import { parseCid } from '../content/cid.ts';
import { WalkRoom } from '../content/dag-walk.ts';
import { checkName, checkPutName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { FolderTrees } from '../folders/folder-trees.ts';
import { BoundedCache } from '../network/bounded-cache.ts';
import { said } from '../sentences.ts';
import { FolderTable } from '../storage/folder-table.ts';
import { contentFetcher } from '../transfer/content-fetcher.ts';
import type { FilePorts, NameChanges, Pins } from '../transfer/file-ports.ts';
import type { Files } from '../transfer/files.ts';
import { getPath } from '../transfer/get-path.ts';
import { FileListing } from '../transfer/list-files.ts';
import { checkFits } from '../transfer/publish.ts';
import { putCar } from '../transfer/put-car.ts';
import { putFile, putPath } from '../transfer/put-file.ts';
import { putFolder } from '../transfer/put-folder.ts';
import { endOwn, sealWishOf } from '../transfer/put-sealed.ts';
import { isHere, isThere, openBlock, openCar } from '../transfer/read-dag.ts';
import { entryAt, folderEntries, openEntry, readEntry, readFile, walkFolder } from '../transfer/read-file.ts';
import { ReadMemory } from '../transfer/read-memory.ts';
import { ownEntries, resolve } from '../transfer/resolve.ts';
import { Seals } from '../transfer/seals.ts';
import { shareResolver } from '../transfer/share-resolver.ts';
import { SharersOf } from '../transfer/sharers-of.ts';
import { liveCopies, statFile } from '../transfer/stat-file.ts';
import { TransferQueue } from '../transfer/transfer-queue.ts';
import type { Records } from './build-records.ts';
import type { Replication } from './build-replication.ts';
import type { DataCore } from './data-core.ts';

/** Names whose time of first sight is cached, which tells new ones among several. */
const maxFirstSeen = 16_384;
/** Blocks of shared files whose root is remembered: some 64 GiB. */
export const maxSharedParts = 65_536;

export function buildFiles(core: DataCore, records: Records, replication: Replication) {
  const { options, clock, signer, report, view } = core;
  const { shareReader, names } = records;
  const { fetcher, storer } = replication;
  const sharers = new SharersOf(shareReader, clock, core.failed('Sharers of a content could not be looked up'));
  const seals = new Seals({
    keys: core.keys,
    view,
    transport: core.transport,
    peerNames: core.peerNames,
  });
  seals.sealsPuts = options.settings?.sealed ?? false;
  seals.answerIn(core.registry);
  const listing = new FileListing({ names, data: core, peerNames: core.peerNames, seals });
  const ports: FilePorts = {
    seals,
    get sealsPuts() {
      return seals.sealsPuts;
    },
    sealedAs: (name, isMeant) => listing.sealedAs(name, isMeant),
    puts: replication.ownPuts,
    data: core,
    isCached: replication.isCached,
    storer,
    fetcher,
    fetcherOf: (root) => contentFetcher(fetcher, sharers.of(root)),
    reading: new ReadMemory(clock),
    walks: new WalkRoom(),
    shares: shareReader,
    sharers,
    sharedParts: new BoundedCache<string, CID>(maxSharedParts),
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
  };
  const trees = new FolderTrees(ports, new FolderTable(core.storage.catalog));
  const files = filesOver({ ...ports, listing, trees });
  const transfers = new TransferQueue(files, core.keys.sealedSettings(core.storage.catalog), clock, {
    report: (error) => report('refused', view.self, `The transfer journal could not be written: ${error.message}`),
    ...(core.stop === undefined ? {} : { stop: core.stop }),
    slowness: () => core.limitedPeers.reason(),
  });
  return { files, transfers, seals, trees };
}

const noIndex: NameChanges = { changing: async () => undefined, changed: () => undefined };

function pinsInMemory(): Pins {
  const pins = new Map<string, string>();
  return { of: (name) => pins.get(name) ?? null, pin: async (name, publisher) => void pins.set(name, publisher) };
}

/** For the copies by which a list is sorted. */
const sortMilliseconds = 5000;

/** Each operation is in its own file of src/transfer. */
function filesOver(ports: FilePorts & { readonly listing: FileListing; readonly trees: FolderTrees }): Files {
  const { listing, trees } = ports;
  /** A put replaces a folder that was changed in place. */
  const replacing = async <Result>(name: string, put: Promise<Result>): Promise<Result> => {
    const result = await put;
    await trees.replaced(checkName(name));
    return result;
  };
  return {
    put: (name, source, options = {}) => replacing(name, putFile(ports, name, source, options)),
    sealWish: (wish) => sealWishOf(ports, wish === undefined ? {} : { sealed: wish }),
    checkFits: (name, bytes) => checkFits(ports, checkName(name), bytes, {}),
    putPath: (name, path, options = {}) => replacing(name, putPath(ports, name, path, options)),
    putFolder: (name, items, options = {}) => replacing(name, putFolder(ports, name, items, options)),
    putCar: (name, source, options = {}) => putCar(ports, name, source, options),
    resolve: async (reference, options) => (await resolve(ports, reference, options)).entry,
    read: (cid, range, signal) => readFile(ports, cid, range, signal),
    readEntry: (entry, options = {}) => readEntry(ports, entry, options),
    fileKey: async (entry, passphrase) => (await openEntry(ports, entry, { passphrase })).seal.fileKey,
    walk: (cid, signal) => walkFolder(ports, cid, signal),
    entries: (cid, signal) => folderEntries(ports, cid, signal),
    entryAt: (cid, path, signal) => entryAt(ports, cid, path, signal),
    openBlock: (cid, signal) => openBlock(ports, cid, signal),
    openCar: (cid, wish, signal) => openCar(ports, cid, wish, signal),
    isHere: (cid) => isHere(ports, cid),
    isThere: (cid) => isThere(ports, cid),
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
    sorted: (page, wish, peers) =>
      listing.sorted({ ...page, copiesOf: (cids) => liveCopies(ports, cids, sortMilliseconds) }, wish, peers),
    remove: async (name, cid) => {
      const checked = checkPutName(name);
      const isMeant = (there: string | null): boolean => cid === undefined || cid === there;
      const changed = () =>
        new ChordialError('changed', `${JSON.stringify(name)} was changed or put again meanwhile, and stays.`);
      const isTree = await trees.end(checked, (there) => {
        if (!isMeant(there.cid)) throw changed();
      });
      const there = isTree ? [] : ownEntries(ports, checked);
      const meant = there.filter((entry) => isMeant(entry.cid.toString()));
      if (there.length > 0 && meant.length === 0) throw changed();
      // The own table may have been lost.
      if (there.length === 0 && !isTree) await endOwn(ports, checked);
      for (const entry of meant) await endOwn(ports, entry.name, cid === undefined ? undefined : entry.sequence);
      const told = there.find((entry) => entry.name !== checked)?.name ?? name;
      const line = said('removed', { name: told }, `Removed ${JSON.stringify(told)}.`);
      ports.notify({ kind: 'removed', ...line });
    },
  };
}
