/** A peer of the announce benchmark: started by bench/announce.ts, controlled over IPC. */
import { cidOfBlock, rawCodec } from '../packages/chordial/src/content/cid.ts';
import { parseConfiguration } from '../packages/chordial/src/peer/configuration.ts';
import { startPeer } from '../packages/chordial/src/peer/start-peer.ts';
import { recordKeyOfName, wordKey } from '../packages/chordial/src/records/record-keys.ts';
import {
  type ShareEntry,
  shareBody,
  shareNameEntry,
  sharePostingEntries,
  shareProviderEntry,
} from '../packages/chordial/src/records/share-entry.ts';

/** Commands of the parent; answered with `{seconds}` or `{missing}`. */
export type AnnouncingTask = { readonly announce: number } | { readonly find: readonly number[] };

const entriesPerFile = 10;
const distinctWords = 20_000;
const nothing = shareBody({});

export function sharedFileName(number: number): string {
  return `holiday photo ${number} from ${(number * 7919) % 1000}.jpeg`;
}

function entriesOf(number: number): readonly ShareEntry[] {
  const name = sharedFileName(number);
  const root = cidOfBlock(rawCodec, Buffer.from(name));
  const body = shareBody({ size: number, type: 'file', time: 1_763_726_400_000 + number, sha256: null });
  const words = [`n${number}`];
  for (let word = 1; words.length < entriesPerFile - 2; word++)
    words.push(`w${(number * 31 + word * 977) % distinctWords}`);
  return [
    shareNameEntry(name, root, body),
    shareProviderEntry(root, nothing),
    ...sharePostingEntries(words, name, root, body),
  ];
}

/** Sequentially, as an index reads them. */
function* filesOf(count: number): Generator<readonly ShareEntry[], void, undefined> {
  for (let number = 0; number < count; number++) yield entriesOf(number);
}

if (process.send !== undefined) {
  const [data = '', join = ''] = process.argv.slice(2);
  const peer = await startPeer(
    parseConfiguration({ data, api: '127.0.0.1:0', listen: '127.0.0.1:0', ...(join === '' ? {} : { join: [join] }) }),
  );
  const { bits } = peer.status('none');
  const answer = async (task: AnnouncingTask): Promise<object> => {
    if ('announce' in task) {
      const start = performance.now();
      await peer.announcer.announce(filesOf(task.announce));
      return { seconds: (performance.now() - start) / 1000 };
    }
    const missing: number[] = [];
    for (const number of task.find) {
      const named = recordKeyOfName(sharedFileName(number), { bits, teaching: false });
      const found = await Promise.all([
        peer.shareReader.entriesOf(named, 'name'),
        peer.shareReader.entriesOf(wordKey(`n${number}`), 'posting'),
      ]);
      if (found.some((entries) => entries.length !== 1)) missing.push(number);
    }
    return { missing };
  };
  process.on('message', (task: AnnouncingTask) => {
    answer(task).then(
      (result) => process.send?.(result),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send({ address: peer.status('none').listen });
}
