/** A peer of the search simulator: the production broadcast, word search and index over a modelled store. */

import type { Contact } from '@chordial/ring';
import type { SimulatedHost } from '@chordial/ring/simulator';
import type { VirtualTime } from '@chordial/ring/testing';
import type { Transport } from '../../src/network/transport.ts';
import type { RecordPlaces } from '../../src/records/record-keys.ts';
import type { HeldShareEntry } from '../../src/records/share-entry.ts';
import { Broadcast } from '../../src/search/broadcast.ts';
import { WordIndex } from '../../src/search/word-index.ts';
import { WordSearch } from '../../src/search/word-search.ts';
import { Registry } from '../../src/wire/message.ts';
import type { SimulatedFile } from './shared-population.ts';

export interface SearchHostPorts {
  readonly host: SimulatedHost;
  readonly time: VirtualTime;
  readonly transport: Pick<Transport, 'request'>;
  readonly bits: number;
  readonly replicas: number;
  readonly files: () => readonly SimulatedFile[];
  /** The entries of a word's key that this host holds now. */
  readonly held: (key: string) => readonly HeldShareEntry[];
  /** Called with the cost of each lookup of a word's place. */
  readonly lookedUp: (hops: number) => void;
}

const places: (bits: number) => RecordPlaces = (bits) => ({ bits, teaching: false });
const notSimulated = async (): Promise<never> => {
  throw new Error('expressions are not simulated');
};
const noRecords = { *inTurns() {} };

export class SearchHost {
  readonly broadcast: Broadcast;
  readonly words: WordSearch;
  readonly #registry = new Registry<Contact, null>();

  constructor(ports: SearchHostPorts) {
    const { host, time, bits, replicas, files, held } = ports;
    const transport = ports.transport as Transport;
    const clock = time.clock(host.process);
    const self = host.contact;
    const isDead = (id: Contact['host']) => host.ring.isDown(id);
    this.broadcast = new Broadcast(
      {
        view: { self },
        networkId: '',
        // No forged records in this simulation.
        sign: () => new Uint8Array(64),
        verify: () => true,
        places: places(bits),
        transport,
        clock,
        isDead,
        members: () => host.ring.members(),
        files: async function* () {
          yield files();
        },
      },
      // A thread would depend on real time; the simulation uses no regular expressions.
      { check: notSimulated, match: notSimulated },
    );
    const shares = { heldHere: (key: string) => held(key) };
    // The store changes without notification.
    let asked = 0;
    const changes = () => asked++;
    this.words = new WordSearch({
      view: { self },
      transport,
      places: places(bits),
      replicas,
      placement: { likely: (key, wanted) => hostsOf(ports, key, wanted) },
      index: new WordIndex({ table: noRecords, shares, clock, isDead, changes }),
    });
    this.broadcast.answerIn(this.words.answerIn(this.#registry));
  }

  /** Handles a message like a production peer. */
  answer(from: Contact, kind: string, body: unknown): Promise<unknown> {
    return this.#registry.request(from, kind, body);
  }
}

/** One ring lookup per word, without the production cache of places. */
function hostsOf(
  { host, lookedUp }: SearchHostPorts,
  key: Parameters<SimulatedHost['ring']['lookup']>[0],
  wanted: number,
): Promise<{ readonly hosts: readonly Contact[] }> {
  return new Promise((resolve) => {
    host.ring.lookup(key, (found) => {
      lookedUp(found?.hops ?? 0);
      const pointers = found === null ? [] : [found.owner, ...found.successors];
      const hosts = new Map(pointers.flatMap(({ contact }) => (contact === null ? [] : [[contact.host, contact]])));
      resolve({ hosts: [...hosts.values()].slice(0, wanted + 2) });
    });
  });
}
