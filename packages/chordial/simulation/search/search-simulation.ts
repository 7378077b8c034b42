/**
 * Search on a simulated ring: the production ring, broadcast and word search run in virtual time. Only the store is
 * modelled: a posting is at the places of its key before recent changes of the ring, since repair takes time.
 */

import { hash } from 'node:crypto';
import { type Contact, type HostId, type MemberPointer, type RingId, ringIdOfHash } from '@chordial/ring';
import {
  addSettled,
  calm,
  placeNotBefore,
  poisson,
  RingSimulation,
  type SimulatedHost,
  someMember,
} from '@chordial/ring/simulator';
import { hostIdOfPublicKey } from '../../src/network/host-id.ts';
import { type Transport, TransportError, type Wire } from '../../src/network/transport.ts';
import { encodeBody } from '../../src/network/wire-body.ts';
import { searchMessages } from '../../src/search/search-messages.ts';
import { turn } from '../data/turns.ts';
import { SearchHost } from './search-host.ts';
import { SharedPopulation } from './shared-population.ts';

export interface SearchSimulationOptions {
  readonly seed: number;
  readonly peers: number;
  readonly files: number;
  /** Joins plus crashes per second, half each. */
  readonly churn: number;
  readonly successors: number;
  readonly virtualNodes: number;
  readonly bits: number;
  /** Whether peers know all members, as in networks of up to thousands; otherwise only neighbours and fingers. */
  readonly cache: boolean;
}

export const replicas = 3;
/** A host that is away is replaced after this grace (spec/4, Repair); a newcomer has been given its share after a moment. */
const replacedAfterMilliseconds = 20_000;
const handedOverAfterMilliseconds = 2000;

/** Cost of the queries so far. Answers count as messages. */
export interface SearchCost {
  messages: number;
  bytes: number;
  /** Duplicate questions to a peer. */
  duplicates: number;
  lookupHops: number;
  /** Peers asked, by broadcast. */
  readonly asked: Set<string>;
  /** Messages received by each peer, by its number. */
  readonly received: Map<number, number>;
}

export class SearchSimulation {
  readonly ring: RingSimulation;
  readonly population: SharedPopulation;
  cost: SearchCost = newCost();
  readonly #options: SearchSimulationOptions;
  readonly #hosts = new Map<HostId, SearchHost>();
  readonly #numbers = new Map<HostId, number>();
  /** Members in the view of posting holders, by id: dead ones stay for a grace period, newcomers appear with a delay. */
  #placing: MemberPointer[];
  /** Promises may be pending: a turn of the event loop is due. */
  #isStirred = false;

  constructor(options: SearchSimulationOptions) {
    this.#options = options;
    const { seed, peers, files, successors, virtualNodes, bits, cache } = options;
    this.ring = new RingSimulation({
      seed,
      bits,
      successors,
      virtualNodes,
      smallRings: virtualNodes <= successors,
      faults: calm,
      cacheCapacity: cache ? 2 * peers * virtualNodes : 0,
      parallelAsks: cache ? 3 : 1,
      contactOf,
    });
    addSettled(this.ring, peers);
    this.#placing = inOrder(this.ring.hosts.flatMap(({ members }) => members));
    const contacts = this.ring.hosts.map(({ contact }) => contact);
    this.population = new SharedPopulation(contacts, files, this.ring.random);
    for (const host of this.ring.hosts) this.#equip(host);
  }

  /** Starts churn for this long. */
  churn(milliseconds: number): void {
    const { churn } = this.#options;
    if (churn === 0) return;
    const { ring } = this;
    const until = ring.time.now + milliseconds;
    poisson(ring, churn / 2, until, () => {
      const newcomer = ring.add();
      this.#equip(newcomer);
      ring.join(newcomer, someMember(ring), (failure) => {
        if (failure !== null) return;
        ring.time.after(handedOverAfterMilliseconds, () => {
          this.#placing = inOrder([...this.#placing, ...newcomer.members]);
        });
      });
    });
    poisson(ring, churn / 2, until, () => {
      const { contact } = this.crashSomebody();
      ring.time.after(replacedAfterMilliseconds, () => {
        this.#placing = this.#placing.filter((member) => member.contact.host !== contact.host);
      });
    });
  }

  crashSomebody(): SimulatedHost {
    const host = someMember(this.ring);
    this.ring.crash(host);
    return host;
  }

  numberOf({ contact }: SimulatedHost): number {
    return this.#numbers.get(contact.host)!;
  }

  hostOf(host: SimulatedHost): SearchHost {
    return this.#hosts.get(host.contact.host)!;
  }

  /** Runs the network until the work settles, up to a limit; rejects if the work does. */
  async until(work: Promise<unknown>, milliseconds: number): Promise<void> {
    const { time } = this.ring;
    const end = time.now + milliseconds;
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    await turn();
    while (!isOver && time.now < end) {
      this.#isStirred = false;
      if (!time.step()) break;
      if (this.#isStirred) await turn();
    }
    if (isOver) await over;
  }

  #equip(host: SimulatedHost): void {
    const { bits } = this.#options;
    const number = this.#numbers.size;
    const { host: id } = host.contact;
    this.#numbers.set(id, number);
    const equipped = new SearchHost({
      host,
      time: this.ring.time,
      transport: { request: (to, kind, body, options) => this.#request(host, to, { kind, body }, options.deadline) },
      bits,
      replicas,
      files: () => this.population.ofPeer(number),
      held: (key) => (this.#isPlace(id, ringIdOfHash(key, bits)) ? this.population.postingsAt(key) : []),
      lookedUp: (hops) => {
        this.cost.lookupHops += hops;
        this.#isStirred = true;
      },
    });
    this.#hosts.set(id, equipped);
  }

  #isPlace(host: HostId, key: RingId): boolean {
    const start = placeNotBefore(this.#placing, key);
    const found = new Set<HostId>();
    for (let step = 0; step < this.#placing.length && found.size < replicas; step++) {
      found.add(this.#placing[(start + step) % this.#placing.length]!.contact.host);
    }
    return found.has(host);
  }

  /** A message and its answer, each with a delay; a message to a dead host fails. */
  #request(
    from: SimulatedHost,
    to: Contact,
    { kind, body }: { readonly kind: string; readonly body: Wire },
    deadline: number,
  ): ReturnType<Transport['request']> {
    const { time, random } = this.ring;
    const { promise, resolve, reject } = Promise.withResolvers<Wire>();
    const delay = (): number => calm.minDelay + (calm.maxDelay - calm.minDelay) * random.next();
    let isOpen = true;
    const settle = (how: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      timer.cancel();
      this.#isStirred = true;
      how();
    };
    const timer = time.after(deadline, () =>
      settle(() => reject(new TransportError('timeout', `${to.host} does not answer.`))),
    );
    this.#count(to, body);
    if (kind === searchMessages.ask.kind) this.#countDuplicate(to, body);
    time.after(delay(), () => {
      const other = this.ring.network.isUp(to.host) ? this.#hosts.get(to.host) : undefined;
      if (other === undefined) {
        time.after(delay(), () => settle(() => reject(new TransportError('unreachable', `${to.host} is gone.`))));
        return;
      }
      this.#isStirred = true;
      other.answer(from.contact, kind, body).then(
        (answer) => {
          if (!this.ring.network.isUp(to.host)) return;
          this.#count(from.contact, answer);
          time.after(delay(), () => settle(() => resolve(answer)));
        },
        (error: Error) => time.after(delay(), () => settle(() => reject(error))),
      );
    });
    return promise;
  }

  #countDuplicate(to: Contact, body: Wire): void {
    const asked = `${to.host} ${idOf(body)}`;
    if (this.cost.asked.has(asked)) this.cost.duplicates += 1;
    this.cost.asked.add(asked);
  }

  #count(to: Contact, body: Wire): void {
    const { cost } = this;
    cost.messages += 1;
    cost.bytes += encodeBody(body).length;
    const number = this.#numbers.get(to.host)!;
    cost.received.set(number, (cost.received.get(number) ?? 0) + 1);
  }
}

/** A peer id without a key, since nothing is signed here. */
function contactOf(number: number): Contact {
  const address = `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}:4848`;
  return { host: hostIdOfPublicKey(hash('sha256', `searching host ${number}`, 'buffer')), addresses: [address] };
}

function idOf(body: Wire): string {
  return String((body as { readonly id: string }).id);
}

export function newCost(): SearchCost {
  return { messages: 0, bytes: 0, duplicates: 0, lookupHops: 0, asked: new Set(), received: new Map() };
}

function inOrder(members: readonly MemberPointer[]): MemberPointer[] {
  return [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
}
