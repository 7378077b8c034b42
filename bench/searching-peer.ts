/** A peer of the search benchmark: started by bench/search.ts, controlled over IPC. */
import { seededRandom } from '@chordial/ring/testing';
import { cidOfBlock, rawCodec } from '../packages/chordial/src/content/cid.ts';
import { parseConfiguration } from '../packages/chordial/src/peer/configuration.ts';
import { startPeer } from '../packages/chordial/src/peer/start-peer.ts';
import {
  type ShareEntry,
  shareBody,
  shareNameEntry,
  sharePostingEntry,
  shareProviderEntry,
} from '../packages/chordial/src/records/share-entry.ts';
import { postingWordsOf } from '../packages/chordial/src/search/words.ts';

/** Commands of the parent; answered with `{postings}` or `{found}`. */
export type SearchingTask =
  | { readonly announce: { readonly from: number; readonly count: number } }
  | { readonly search: string };

export interface Found {
  /** Numbers of the files. */
  readonly files: readonly number[];
  /** Milliseconds until the first and the last hits. */
  readonly first: number;
  readonly last: number;
}

const vocabulary = 20_000;
const wordsPerName = 4;
const extensions = ['pdf', 'jpg', 'mp3', 'txt', 'flac', 'mp4'];
/** Files whose word uses are counted before each announcement, as a share of so many would. */
const filesPerAnnouncement = 2000;

/** Zipf-distributed words; the number in the name makes it unique. */
export function searchedFileName(number: number): string {
  const random = seededRandom(number * 2 + 1);
  const words = Array.from({ length: wordsPerName }, () => {
    const rank = Math.min(vocabulary - 1, Math.floor((vocabulary + 1) ** random.next()) - 1);
    return wordOf(rank);
  });
  return `${words.join(' ')} ${1_000_000 + number}.${extensions[number % extensions.length]}`;
}

export function wordsOfFile(number: number): readonly string[] {
  return searchedFileName(number).split(/[ .]/);
}

function wordOf(rank: number): string {
  let [rest, word] = [rank + 26 * 26, ''];
  for (; rest > 0; rest = Math.floor(rest / 26)) word = String.fromCharCode(97 + (rest % 26)) + word;
  return word;
}

function entriesOf(number: number, wordsOf: (name: string) => readonly string[]): readonly ShareEntry[] {
  const name = searchedFileName(number);
  const root = cidOfBlock(rawCodec, Buffer.from(name));
  const body = shareBody({ size: number, type: 'file', time: 1_763_726_400_000 + number, sha256: null });
  const postings = wordsOf(name).map((word) => sharePostingEntry(word, name, root, body));
  return [shareNameEntry(name, root, body), shareProviderEntry(root, shareBody({})), ...postings];
}

if (process.send !== undefined) {
  const [data = '', join = ''] = process.argv.slice(2);
  const peer = await startPeer(
    parseConfiguration({ data, api: '127.0.0.1:0', listen: '127.0.0.1:0', ...(join === '' ? {} : { join: [join] }) }),
  );
  const { postingWords } = peer;
  const announce = async ({ from, count }: { from: number; count: number }): Promise<object> => {
    let postings = 0;
    for (let done = 0; done < count; done += filesPerAnnouncement) {
      const numbers = Array.from({ length: Math.min(filesPerAnnouncement, count - done) }, (_, at) => from + done + at);
      await postingWords.prepare(numbers.map(searchedFileName));
      await peer.announcer.announce(numbers.map((number) => entriesOf(number, postingWords.wordsOf)));
      postings += numbers.reduce((sum, number) => sum + postingWordsOf(searchedFileName(number)).length, 0);
    }
    return { postings };
  };
  const search = async (query: string): Promise<object> => {
    const began = performance.now();
    let first = 0;
    const running = await peer.search.start(query, { mode: 'words' });
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (first === 0 && running.hits.length > 0) first = performance.now() - began;
      if (running.end !== null) resolve();
    };
    const stop = running.listen(look);
    look();
    await promise;
    stop();
    if (running.end?.failure) throw running.end.failure;
    const last = performance.now() - began;
    const files = running.hits.map(({ name }) => Number(/ (\d+)\.\w+$/.exec(name)?.[1]) - 1_000_000);
    return { found: { files, first: first === 0 ? last : first, last } satisfies Found };
  };
  process.on('message', (task: SearchingTask) => {
    const work = 'announce' in task ? announce(task.announce) : search(task.search);
    work.then(
      (result) => process.send?.(result),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send({ address: peer.status('none').listen });
}
