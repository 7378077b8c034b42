/**
 * First half of a round: this host's arcs are compared with the other places of each, set by set, and differences
 * become a list of transfers. Hosts are asked concurrently, each with one message for all arcs.
 */

import type { Contact, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { ChordialError } from '../errors.ts';
import { TransportError } from '../network/transport.ts';
import { type BlockSet, copiesOfSet, everySet, type ItemSet, maxBlockCopies } from '../storage/item-index.ts';
import { kindOf } from './items/kinds.ts';
import type { OwnArc } from './own-arcs.ts';
import { comparedRange, type Difference, differencesIn } from './range-differences.ts';
import { SyncClient } from './sync-client.ts';
import type { ComparedRange } from './sync-messages.ts';
import type { SyncPorts } from './sync-ports.ts';

/**
 * Of blocks, and as many of records and leaves: however many records differ, blocks are compared in the same round.
 * About 300 bytes each; the rest comes with the next round, which follows at once.
 */
const maxDifferencesOfKind = 10_000;
/** Hosts asked after the places when none of these is authoritative: longer runs of newcomers are not expected. */
const maxHostsWalked = 64;

export interface Carrying {
  readonly host: Contact;
  readonly difference: Difference;
  readonly arc: ComparedArc;
}

/** State of one arc; counts what is still to be done. */
export interface ComparedArc extends OwnArc {
  /** Places other than this host's, for the network's r. */
  readonly places: readonly Contact[];
  /** Some place could not be asked, or not everything was compared. */
  incomplete: boolean;
  /** One of the hosts asked did not answer: it may hold what the others lack. */
  silent: boolean;
  /** This host may become authoritative for the arc: it was before, or one of those asked is, or all were asked. */
  sure: boolean;
  /** Another host that was asked is, without a doubt. */
  isVouchedFor: boolean;
  /** Something differed when compared, whatever has become of it since. */
  differed: boolean;
  /** Hosts that are authoritative for the arc. */
  readonly sureAt: Set<HostId>;
  /** Items that this host lacks and has not received yet. */
  lackedHere: number;
  /** The same for each place. */
  readonly lackedAt: Map<HostId, number>;
}

export interface Comparison {
  readonly arcs: readonly ComparedArc[];
  readonly carryings: readonly Carrying[];
  /** Differences were left out: another round is due at once. */
  readonly cut: boolean;
}

interface Question {
  readonly arc: ComparedArc;
  readonly compared: ComparedRange;
  /** Whether the host is a place for this set; otherwise it is only asked for excess replicas. */
  readonly placed: boolean;
}

/** The ports that the comparison needs. */
export type ComparingPorts = Pick<SyncPorts, 'transport' | 'view' | 'index' | 'confirmed' | 'replicas' | 'report'>;

export async function compareArcs(
  arcs: readonly OwnArc[],
  ports: ComparingPorts,
  signal: AbortSignal,
  maxOfKind = maxDifferencesOfKind,
): Promise<Comparison> {
  const compared = arcs.map((arc): ComparedArc => {
    const sure = arc.others.length === 0 || ports.confirmed.coversAll(arc.range);
    const places = arc.others.slice(0, ports.replicas - 1);
    const nothingYet = { lackedHere: 0, lackedAt: new Map(), differed: false, sureAt: new Set<HostId>() };
    return { ...arc, places, incomplete: false, silent: false, sure, isVouchedFor: false, ...nothingYet };
  });
  const comparing = new Comparing(ports, signal, maxOfKind);
  const sets = new Set(ports.index.sets());
  await comparing.ask(compared, (arc) => questionsToPlaces(arc, sets, ports));
  for (let depth = ports.replicas - 1; depth < maxHostsWalked && !signal.aborted; depth++) {
    const unsure = compared.filter(({ sure, others }) => !sure && depth < others.length);
    if (unsure.length === 0) break;
    await comparing.ask(unsure, ({ others }) => [{ host: others[depth]!, sets: everySet, placed: [] }]);
  }
  // No host is authoritative, as after a stop of all: the union of what they have is what exists.
  for (const arc of compared) if (!arc.sure && !signal.aborted) arc.sure = !arc.incomplete;
  return { arcs: compared, carryings: comparing.carryings, cut: comparing.cut };
}

interface Asked {
  readonly host: Contact;
  readonly sets: readonly ItemSet[];
  readonly placed: readonly ItemSet[];
}

/** The k-th host after the owner is a place in the sets of more than k replicas. The first may also hold what has moved on. */
function questionsToPlaces(
  arc: ComparedArc,
  held: ReadonlySet<ItemSet>,
  { replicas }: ComparingPorts,
): readonly Asked[] {
  return arc.others.slice(0, maxBlockCopies - 1).flatMap((host, position) => {
    const isPlace = (set: ItemSet): boolean => position < copiesOfSet(set, replicas) - 1;
    const placed = everySet.filter((set) => isPlace(set) && (position < replicas - 1 || held.has(set)));
    const sets = position === 0 ? everySet : placed;
    return sets.length === 0 ? [] : [{ host, sets, placed }];
  });
}

class Comparing {
  readonly carryings: Carrying[] = [];
  cut = false;
  readonly #ports: ComparingPorts;
  readonly #client: SyncClient;
  readonly #signal: AbortSignal;
  readonly #maxOfKind: number;
  readonly #noted = { blocks: 0, others: 0 };

  constructor(ports: ComparingPorts, signal: AbortSignal, maxOfKind: number) {
    this.#ports = ports;
    this.#maxOfKind = maxOfKind;
    this.#signal = signal;
    this.#client = new SyncClient(ports.transport, signal);
  }

  async ask(arcs: readonly ComparedArc[], of: (arc: ComparedArc) => readonly Asked[]): Promise<void> {
    const byHost = new Map<HostId, { host: Contact; questions: Question[] }>();
    for (const arc of arcs) {
      for (const { host, sets, placed } of of(arc)) {
        const asked = byHost.get(host.host) ?? { host, questions: [] };
        byHost.set(host.host, asked);
        for (const set of sets) {
          const range = kindOf(set).indexedRange(arc.range);
          const compared = comparedRange(this.#ports.index, set, range);
          asked.questions.push({ arc, compared, placed: placed.includes(set) });
        }
      }
    }
    await Promise.all([...byHost.values()].map(({ host, questions }) => this.#askHost(host, questions)));
  }

  async #askHost(host: Contact, questions: readonly Question[]): Promise<void> {
    try {
      const answers = await this.#client.compare(
        host,
        questions.map(({ compared }) => compared),
      );
      for (const [position, { arc, compared, placed }] of questions.entries()) {
        const { differs, confirmed } = answers[position]!;
        const isSure = confirmed !== 'no';
        if (isSure) arc.sure = true;
        if (confirmed === 'sure') arc.isVouchedFor = true;
        // A place may hold less of a range that reaches beyond the arc.
        if (isSure && compared.range === arc.range) arc.sureAt.add(host.host);
        if (differs === null) continue;
        arc.differed = true;
        if (this.#isFull(compared.set)) {
          this.#leaveOut(arc);
          continue;
        }
        for await (const difference of differencesIn(
          { client: this.#client, index: this.#ports.index },
          host,
          compared,
          differs,
        )) {
          if (difference.lacks === 'there' && !placed) continue;
          if (this.#isFull(compared.set)) {
            this.#leaveOut(arc);
            break;
          }
          this.#note(host, arc, difference);
        }
      }
    } catch (error) {
      if (!(error instanceof TransportError) && !(error instanceof ChordialError)) throw error;
      for (const { arc } of questions) {
        arc.incomplete = true;
        arc.silent = true;
      }
      if (this.#signal.aborted) return;
      if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(host);
      this.#ports.report?.('no-answer', host, `Its items could not be compared: ${error.message}`);
    }
  }

  #isFull(set: ItemSet): boolean {
    return this.#noted[classOf(set)] >= this.#maxOfKind;
  }

  #leaveOut(arc: ComparedArc): void {
    this.cut = true;
    arc.incomplete = true;
  }

  #note(host: Contact, arc: ComparedArc, difference: Difference): void {
    this.#noted[classOf(difference.set)] += 1;
    if (difference.lacks === 'here') arc.lackedHere += 1;
    else if (difference.lacks === 'there') arc.lackedAt.set(host.host, (arc.lackedAt.get(host.host) ?? 0) + 1);
    this.carryings.push({ host, arc, difference });
  }
}

function classOf(set: ItemSet): 'blocks' | 'others' {
  return set.kind === 'blocks' ? 'blocks' : 'others';
}

/** A block with its CID. */
export type BlockDifference = Difference & { readonly set: BlockSet; readonly cid: CID };

export function isBlock(difference: Difference): difference is BlockDifference {
  return difference.set.kind === 'blocks' && difference.cid !== null;
}
