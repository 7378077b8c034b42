/** Finding files: the word index of this peer's names and shares, searches, and the shared folders themselves. */
import type { HostId } from '@chordial/ring';
import { networkId } from '../network/genesis.ts';
import { verifySignature } from '../network/identity.ts';
import { systemClock } from '../network/system-clock.ts';
import { FrequentWords } from '../search/frequent-words.ts';
import type { Hit } from '../search/hit.ts';
import { PutIndex } from '../search/put-index.ts';
import { queryLine } from '../search/queries.ts';
import { Search } from '../search/search.ts';
import { WordIndex } from '../search/word-index.ts';
import { SharedFolders } from '../sharing/shared-folders.ts';
import { keyOfRecord, recordSet } from '../storage/item-index.ts';
import type { RecordRow } from '../storage/record-table.ts';
import { heldNames, ownSealed, sharedFiles } from './answered-files.ts';
import { Browsing } from './browsing.ts';
import type { LocalNetwork } from './build-lan.ts';
import type { Network } from './build-network.ts';
import type { Ring } from './build-ring.ts';
import type { DiskStorage } from './build-storage.ts';
import type { Closing } from './closing.ts';
import type { Data } from './data.ts';
import type { OpenFolder } from './open-folder.ts';
import { askedMembers } from './ring-adapter.ts';

export interface SearchParts {
  readonly folder: OpenFolder;
  readonly network: Network;
  readonly ring: Ring;
  readonly storage: DiskStorage;
  readonly data: Data;
  readonly lan: LocalNetwork | null;
}

export function buildSearch({ folder, network, ring, storage, data }: SearchParts, opened: Closing) {
  const { identity, genesis, membership, events, catalog, peerNames } = folder;
  const { view } = ring;
  const { transport } = network;
  const { records, shares, index } = storage;
  const posting = {
    signer: identity,
    networkId: networkId(genesis),
    settings: catalog,
    clock: systemClock,
    writer: data.recordWriter,
  };
  const isHeld = (row: RecordRow): boolean => !index.isCached(recordSet, keyOfRecord(row));
  const postingWords: FrequentWords = new FrequentWords(posting, (word) => search.frequencyOf(word));
  const putIndex = new PutIndex(posting, data.names, postingWords);
  opened.defer(() => putIndex.close(), 'the index of names');
  const folders = new SharedFolders({
    table: storage.sharedFiles,
    announcer: data.announcer,
    words: postingWords,
    notify: (line) => events.tell({ kind: 'shares', ...line }),
    failed: (error) => events.tell({ kind: 'shares', text: error.message }),
  });
  opened.defer(() => folders.close(), 'the shares: a file or folder of them does not answer');
  const queries = { asked: 0, answered: 0, forwarded: 0 };
  let ringChanges = 0;
  const stopCounting = view.onChange(() => {
    ringChanges += 1;
  });
  const isDead = (host: HostId) => view.isDead(host);
  const search = new Search({
    view,
    transport,
    members: () => askedMembers(ring.ring),
    isDead,
    clock: systemClock,
    networkId: posting.networkId,
    sign: (bytes) => identity.sign(bytes),
    verify: verifySignature,
    copiesOf: (cids, milliseconds) => data.files.copiesOf(cids, milliseconds),
    evidenceOf: (name) => data.files.evidenceOf(name),
    places: { bits: genesis.bits, teaching: genesis.rule === 'chosen' },
    replicas: genesis.replicas,
    placement: data.placement,
    index: new WordIndex({
      table: records,
      shares: data.shareReader,
      clock: systemClock,
      isDead,
      changes: () => records.changes + shares.changes + ringChanges,
    }),
    files: async function* (): AsyncGenerator<readonly Hit[], void, undefined> {
      yield* sharedFiles(folders, view.self);
      yield* heldNames(records, isHeld, Date.now);
    },
    ownSealed: () => ownSealed(data, view.self),
    noted: (query) => {
      queries[query.role] += 1;
      events.tell(queryLine(query));
    },
    named: peerNames.named,
    isHidden: ({ source: { host }, isShared, time }) =>
      membership.refuses(host, time) || (isShared && membership.isRemoved(host)),
  });
  opened.defer(() => search.close(), 'the searches');
  opened.defer(stopCounting);
  const browsing = new Browsing(view, transport, data.names, folders);
  search.answerIn(data.registry);
  browsing.answerIn(data.registry);
  return { search, queries, browsing, shares: folders, postingWords, putIndex };
}
