/** Files on the peers of a simulated network, with Zipf-distributed words in their names, and their sharers. */

import type { Contact, Random } from '@chordial/ring';
import { cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { wordKey } from '../../src/records/record-keys.ts';
import type { HeldShareEntry } from '../../src/records/share-entry.ts';
import { shareBody, sharePostingEntry } from '../../src/records/share-entry.ts';
import type { Hit } from '../../src/search/hit.ts';
import { postingBody } from '../../src/search/posting-entry.ts';
import { postingWordsOf } from '../../src/search/words.ts';

export interface SimulatedFile extends Hit {
  /** Number of the peer that shares it. */
  readonly peer: number;
  readonly words: readonly string[];
}

const vocabulary = 20_000;
const wordsPerName = 4;
const extensions = ['pdf', 'jpg', 'mp3', 'txt'];
const bytesPerFile = 1_000_000;
const sharedAt = 1_700_000_000_000;

export class SharedPopulation {
  readonly files: readonly SimulatedFile[];
  readonly #ofPeer: readonly (readonly SimulatedFile[])[];
  readonly #underKey = new Map<string, { readonly word: string; readonly files: SimulatedFile[] }>();

  /** Peer i of `contacts` shares about as many files as any other. */
  constructor(contacts: readonly Contact[], count: number, random: Random) {
    const ofPeer: SimulatedFile[][] = contacts.map(() => []);
    this.files = Array.from({ length: count }, (_, number) => {
      const peer = Math.floor(random.next() * contacts.length);
      const file = newFile(number, peer, contacts[peer]!, random);
      ofPeer[peer]!.push(file);
      return file;
    });
    this.#ofPeer = ofPeer;
    for (const file of this.files) {
      for (const word of postingWordsOf(file.name)) this.#add(word, file);
    }
  }

  ofPeer(peer: number): readonly SimulatedFile[] {
    return this.#ofPeer[peer] ?? [];
  }

  filesUnder(word: string): readonly SimulatedFile[] {
    return this.#underKey.get(wordKey(word))?.files ?? [];
  }

  /** The announced files that a holder of the key has. */
  postingsAt(key: string): readonly HeldShareEntry[] {
    const found = this.#underKey.get(key);
    if (found === undefined) return [];
    return found.files.map((file) => ({
      ...sharePostingEntry(found.word, file.name, file.root, shareBody(postingBody(file))),
      source: file.source,
      batch: sharedAt,
      expiry: Number.MAX_SAFE_INTEGER,
    }));
  }

  #add(word: string, file: SimulatedFile): void {
    const key = wordKey(word);
    const known = this.#underKey.get(key);
    if (known === undefined) this.#underKey.set(key, { word, files: [file] });
    else known.files.push(file);
  }
}

function newFile(number: number, peer: number, source: Contact, random: Random): SimulatedFile {
  const words = Array.from({ length: wordsPerName }, () => wordOf(zipf(random)));
  const extension = extensions[number % extensions.length]!;
  const root = cidOfBlock(rawCodec, Buffer.from(`file ${number}`));
  const name = `${words.join(' ')}.${extension}`;
  const size = Math.floor(random.next() * bytesPerFile);
  return { name, root, size, type: 'file', sha256: null, source, isShared: true, time: sharedAt, peer, words };
}

/** Ranks from 0; the k-th has frequency about 1/(k+1). */
function zipf(random: Random): number {
  return Math.min(vocabulary - 1, Math.floor((vocabulary + 1) ** random.next()) - 1);
}

/** Only letters, so that it is one word. */
function wordOf(rank: number): string {
  let [rest, word] = [rank + 26, ''];
  for (; rest > 0; rest = Math.floor(rest / 26)) word += String.fromCharCode(97 + (rest % 26));
  return `w${word}`;
}
