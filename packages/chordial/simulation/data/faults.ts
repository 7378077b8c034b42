/** Faults of hosts and disks: `strike` starts one at once and resolves with a function that ends it. */
import type { Milliseconds } from '@chordial/ring';
import type { DataOracle } from './data-oracle.ts';
import type { DataFault, DataPlan } from './data-plan.ts';
import { copyRule, type DataHost, type DataSimulation } from './data-simulation.ts';

/** Of virtual time. */
const leavePatience: Milliseconds = 180_000;
const stopPatience: Milliseconds = 30_000;

export type EndTrouble = () => Promise<void>;

export class FaultInjector {
  readonly #simulation: DataSimulation;
  readonly #oracle: DataOracle;
  readonly #random: DataPlan['random'];
  readonly #log: (line: string) => void;
  /** Hosts partitioned from all others. */
  #apart: readonly DataHost[] = [];

  constructor(simulation: DataSimulation, oracle: DataOracle, plan: DataPlan, log: (line: string) => void) {
    this.#simulation = simulation;
    this.#oracle = oracle;
    this.#random = plan.random;
    this.#log = log;
  }

  /** Whether these two can exchange messages. */
  reaches(a: DataHost, b: DataHost): boolean {
    return this.#apart.includes(a) === this.#apart.includes(b);
  }

  async strike(fault: DataFault): Promise<EndTrouble> {
    const simulation = this.#simulation;
    const { members } = simulation;
    const victim = this.#pick(members.length > copyRule.replicas ? members : []);
    if (victim === undefined || fault === 'join') {
      this.#log('join');
      simulation.add();
      return async () => {};
    }
    this.#log(`${fault} ${victim.number}`);
    const { trouble } = victim.disk;
    switch (fault) {
      case 'crash':
        return this.#down(victim, false);
      case 'wipe':
        return this.#down(victim, true);
      case 'pair': {
        const other = this.#pick(members.filter((host) => host !== victim && members.length > 4));
        const ends = [victim, ...(other === undefined ? [] : [other])].map((host) =>
          this.#down(host, this.#random.next() < 0.5),
        );
        return async () => {
          for (const end of ends) await end();
        };
      }
      case 'zone': {
        const { zone } = victim.ring.contact;
        const fallen = members.filter(
          (host) => host === victim || (zone !== undefined && host.ring.contact.zone === zone),
        );
        return this.#allDown(fallen);
      }
      case 'relays': {
        const hidden = this.#pick(members.filter((host) => simulation.relays.of(host).length > 0));
        const relays = hidden === undefined ? [victim] : simulation.relays.of(hidden);
        return this.#allDown(relays.filter((host) => members.includes(host)));
      }
      case 'other-zone': {
        simulation.crash(victim);
        return async () => simulation.restart(victim, this.#pick(members)?.ring.contact.zone ?? null);
      }
      case 'rot': {
        const end = this.#down(victim, false);
        this.#oracle.lost(victim);
        this.#log(`${await victim.disk.rot(0.5)} blocks rot`);
        return end;
      }
      case 'stop':
        await simulation.waitFor(simulation.stop(victim).catch(this.#note('no stop')), stopPatience);
        if (victim.isMember) simulation.crash(victim);
        return async () => simulation.restart(victim);
      case 'leave':
        // A leave that cannot drain everything is refused, and can be retried.
        await simulation.waitFor(simulation.leave(victim).catch(this.#note('no leave')), leavePatience);
        return async () => {};
      case 'freeze':
        simulation.freeze(victim);
        return this.#parted([victim], () => simulation.thaw(victim));
      case 'cut':
      case 'halves': {
        const apart = fault === 'cut' ? [victim] : members.filter(() => this.#random.next() < 0.5);
        this.#log(`apart: ${apart.map(({ number }) => number).join(', ')}`);
        simulation.cut(apart);
        return this.#parted(apart, () => simulation.heal());
      }
      case 'remove':
      case 'remove-apart':
        return this.#removed(victim, fault === 'remove-apart');
      case 'failing-writes':
        trouble.failingWrites = 0.3;
        return async () => {
          trouble.failingWrites = 0;
        };
      case 'wrong-reads':
        trouble.wrongReads = 0.3;
        return async () => {
          trouble.wrongReads = 0;
        };
      case 'full':
        trouble.isFull = true;
        return async () => {
          trouble.isFull = false;
        };
    }
  }

  /** Returns a function that restarts it, or a replacement. */
  #down(host: DataHost, isLost: boolean): EndTrouble {
    this.#log(`down ${host.number}${isLost ? ' for good' : ''}`);
    if (!isLost) {
      this.#simulation.crash(host);
      return async () => this.#simulation.restart(host);
    }
    this.#oracle.lost(host);
    this.#simulation.wipe(host);
    return async () => void this.#simulation.add();
  }

  #allDown(hosts: readonly DataHost[]): EndTrouble {
    const ends = hosts.map((host) => this.#down(host, false));
    return async () => {
      for (const end of ends) await end();
    };
  }

  /** The removed host keeps asking until the fault ends; its data is lost. If the admin cannot remove one, a host joins instead. */
  #removed(victim: DataHost, isApart: boolean): EndTrouble {
    const simulation = this.#simulation;
    const [admin] = simulation.hosts;
    const other = simulation.members.find((host) => host !== admin && host !== victim);
    if (admin === undefined || !admin.isMember || victim === admin || other === undefined) {
      simulation.add();
      return async () => {};
    }
    this.#oracle.lost(victim);
    const apart = isApart ? [other] : [];
    if (isApart) simulation.cut(apart);
    this.#apart = apart;
    simulation.remove(victim);
    return async () => {
      simulation.heal();
      this.#apart = [];
      await simulation.untilAllKnow(victim);
      simulation.crash(victim);
    };
  }

  #parted(hosts: readonly DataHost[], end: () => void): EndTrouble {
    this.#apart = hosts;
    return async () => {
      end();
      this.#apart = [];
    };
  }

  #note(what: string): (error: Error) => void {
    return (error) => this.#log(`${what}: ${error.message}`);
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#random.next() * values.length)];
  }
}
