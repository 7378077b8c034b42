/**
 * Checks Zave's properties on the committed states of whole hosts, after every commit up to `fullCheckMembers` members
 * and at a sample of the commits beyond. For histories within the assumptions of the proof: no partition, no lost
 * messages, no frozen process, and no more crashes than the lists tolerate.
 *
 * SufficientPrincipals and PrincipalsInRing are not checked: between an answer and its commit a list is older than the
 * proof counts it (member-ring.ts models that exactly).
 */
import type { RingEvent } from '../src/host/events.ts';
import type { HostId } from '../src/protocol/pointer.ts';
import { noDuplicates, oneLiveSuccessor, orderedSuccessorLists, ringProperties, type Violation } from './invariant.ts';
import type { RingSimulation } from './ring-simulation.ts';
import { structureOf, viewOf } from './ring-view.ts';

const fullCheckMembers = 60;
const sampleEvery = 50;

export class RingChecker {
  readonly violations: { readonly at: number; readonly violation: Violation }[] = [];
  checks = 0;
  #commits = 0;
  #simulation: RingSimulation | null = null;

  /** The `observe` of the simulation. */
  readonly observe = (_host: HostId, event: RingEvent): void => {
    if (event.kind !== 'committed' || event.after === null || this.#simulation === null) return;
    const members = this.#simulation.hosts.length * (this.#simulation.hosts[0]?.members.length ?? 0);
    if (members > fullCheckMembers && this.#commits++ % sampleEvery !== 0) return;
    this.#check(this.#simulation);
  };

  watch(simulation: RingSimulation): void {
    this.#simulation = simulation;
  }

  #check(simulation: RingSimulation): void {
    this.checks++;
    const view = viewOf(simulation.states());
    const found = [
      ...oneLiveSuccessor(view),
      ...noDuplicates(view),
      ...orderedSuccessorLists(view),
      ...ringProperties(view, structureOf(view)),
    ];
    for (const violation of found) this.violations.push({ at: simulation.time.now, violation });
  }
}
