/**
 * One seed, one history: hosts join, crash, return, leave, freeze, and the network partitions and loses messages; then
 * all faults end, the ring must become ideal and every lookup must agree with the oracle.
 *
 * At every step no member commits an invalid list (production code throws). Zave's invariant is not checked: partitions
 * and frozen processes break its assumption of a perfect failure detector.
 */
import type { RingId } from '../src/protocol/identifier.ts';
import { listText } from './invariant.ts';
import { RingSimulation, type SimulatedHost } from './ring-simulation.ts';
import { type SwarmFault, type SwarmPlan, swarmPlan } from './swarm-plan.ts';

export interface SwarmResult {
  readonly seed: number;
  /** The failure, or null. */
  readonly failure: string | null;
  /** Virtual milliseconds from the last fault to the ideal ring. */
  readonly healedAfter: number | null;
  readonly lookupsDuring: { asked: number; failed: number; wrong: number };
  readonly steps: number;
  readonly digest: string;
}

/** The ring is one and ideal again this long after the last fault (spec: partition, then healing, ≤ 60 s). */
const maxHealing = 60_000;
const suspicionLasts = Number(process.env['SUS'] ?? 4000);
const finalLookups = 24;
const longestPause = 3000;

export function runSwarm(seed: number, log: (line: string) => void = () => {}): SwarmResult {
  return new Swarm(seed, log).run();
}

class Swarm {
  readonly #plan: SwarmPlan;
  readonly #sim: RingSimulation;
  readonly #log: (line: string) => void;
  readonly #seed: number;
  /** Left for good: never restarted. */
  readonly #left = new Set<SimulatedHost>();
  /** Have begun to leave. */
  readonly #leaving = new Set<SimulatedHost>();
  readonly #joiningThrough = new Map<SimulatedHost, readonly SimulatedHost[]>();
  readonly #during = { asked: 0, failed: 0, wrong: 0 };

  constructor(seed: number, log: (line: string) => void) {
    this.#seed = seed;
    this.#plan = swarmPlan(seed);
    this.#sim = new RingSimulation(this.#plan.simulation);
    this.#log = (line) => log(`${Math.round(this.#sim.time.now)} ${line}`);
  }

  run(): SwarmResult {
    let healedAfter: number | null = null;
    let failure: string | null = null;
    try {
      this.#trouble();
      this.#heal();
      // Hosts already suspected may still be declared dead; the ring is not at rest before.
      this.#sim.time.runUntil(this.#sim.time.now + suspicionLasts);
      healedAfter = this.#sim.settle(maxHealing);
      failure = healedAfter === null ? this.#sim.inconsistency() : this.#lookupsAfter();
    } catch (error) {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    if (failure !== null) this.#logStates();
    const { time, trace } = this.#sim;
    const digest = trace?.digest() ?? '';
    return { seed: this.#seed, failure, healedAfter, lookupsDuring: this.#during, steps: time.steps, digest };
  }

  #logStates(): void {
    for (const { contact, ring } of this.#sim.live()) {
      const seen = ring.watched().map((w) => `${w.contact.host} ${w.liveness}`);
      this.#log(`${contact.host} sees ${seen.join(', ')}`);
      for (const state of ring.states()) this.#log(`  ${state.predecessor.id} < ${listText(state)}`);
    }
  }

  #trouble(): void {
    this.#sim.found();
    this.#wait();
    while (this.#sim.hosts.length < this.#plan.hosts) {
      this.#join(this.#addHost());
      if (this.#chance(0.5)) this.#wait();
    }
    for (let step = 0; step < this.#plan.steps; step++) {
      this.#wait();
      this.#lookupDuring();
      const fault = this.#pick(this.#plan.faults);
      if (fault !== undefined) this.#act(fault);
      else this.#join(this.#addHost());
      const down = this.#sim.hosts.filter((h) => !h.process.isRunning && !this.#left.has(h));
      const back = this.#pick(down);
      if (back !== undefined && this.#chance(0.5)) this.#restart(back);
    }
  }

  #act(fault: SwarmFault): void {
    const { network } = this.#sim;
    const { random } = this.#plan;
    switch (fault) {
      case 'crash': {
        const count = 1 + Math.floor(random.next() * 3);
        for (let i = 0; i < count; i++) {
          const victim = this.#pick(this.#expendable());
          if (victim === undefined) break;
          this.#log(`crash ${victim.contact.host}`);
          this.#sim.crash(victim);
          if (this.#chance(0.2)) this.#restart(victim);
        }
        break;
      }
      case 'leave': {
        const victim = this.#pick(this.#expendable());
        if (victim === undefined) break;
        const forGood = this.#chance(0.5) && !this.#isNeeded(victim);
        this.#log(`leave ${victim.contact.host} ${forGood ? 'for good' : ''}`);
        if (forGood) this.#left.add(victim);
        this.#leaving.add(victim);
        this.#sim.leave(victim, forGood);
        break;
      }
      case 'partition': {
        if (this.#chance(0.5)) {
          this.#reconnect();
          return;
        }
        const ways = 2 + Math.floor(random.next() * 2);
        const groups = this.#sim.hosts.map((h) => [h.contact.host, Math.floor(random.next() * ways)] as const);
        this.#log(`partition ${groups.map(([host, group]) => `${host}:${group}`).join(' ')}`);
        network.partition(new Map(groups));
        break;
      }
      case 'freeze': {
        const victim = this.#pick(this.#sim.live());
        if (victim === undefined || victim.process.isFrozen) break;
        const pause = random.next() * 8000;
        this.#log(`freeze ${victim.contact.host} for ${Math.round(pause)}`);
        victim.process.freeze();
        const { process } = victim;
        this.#sim.time.after(pause, () => process.thaw());
        break;
      }
      case 'broken-link': {
        if (this.#chance(0.5)) {
          this.#reconnect();
          return;
        }
        const [a, b] = [this.#pick(this.#sim.hosts), this.#pick(this.#sim.hosts)];
        if (a === undefined || b === undefined || a === b) break;
        this.#log(`break the link ${a.contact.host} ${b.contact.host}`);
        network.breakLink(a.contact.host, b.contact.host);
        break;
      }
      case 'loss': {
        const loss = network.faults.loss > 0 ? 0 : 0.1;
        this.#log(`loss ${loss}`);
        network.faults = { ...network.faults, loss };
        break;
      }
    }
  }

  #reconnect(): void {
    this.#log('heal the network');
    this.#sim.network.heal();
  }

  #heal(): void {
    this.#reconnect();
    const { network } = this.#sim;
    network.faults = { ...network.faults, loss: 0 };
    for (const host of this.#sim.live()) host.process.thaw();
    for (const host of this.#sim.hosts) {
      if (host.process.isRunning || this.#left.has(host)) continue;
      if (this.#isNeeded(host) || this.#chance(0.7)) this.#restart(host);
    }
  }

  /** Hosts that may leave: members, while another running member remains. */
  #expendable(): SimulatedHost[] {
    const running = this.#sim.live().filter((h) => !this.#leaving.has(h));
    const members = running.filter((h) => h.ring.states().length === h.members.length && !h.process.isFrozen);
    return members.length > 1 ? running : [];
  }

  #restart(host: SimulatedHost): void {
    this.#leaving.delete(host);
    this.#log(`restart ${host.contact.host}`);
    this.#sim.start(host);
    host.ring.remember(this.#sim.hosts.filter((h) => h !== host).map((h) => h.contact));
    this.#join(host);
  }

  /** A joiner knows only this host and could not find the ring without it. */
  #isNeeded(host: SimulatedHost): boolean {
    return [...this.#joiningThrough.values()].some((seeds) => seeds.includes(host));
  }

  /** Through a running host, retried with others on failure, as a peer does. */
  #join(host: SimulatedHost): void {
    const { ring } = host;
    const through = this.#sim.live().filter((h) => h !== host);
    const seeds = [this.#pick(through), this.#pick(through)].filter((h) => h !== undefined);
    this.#log(`join ${host.contact.host} through ${seeds.map((h) => h.contact.host).join(' ')}`);
    this.#joiningThrough.set(host, seeds);
    ring.join(
      seeds.map((h) => h.contact),
      (failure) => {
        this.#joiningThrough.delete(host);
        this.#log(`joined ${host.contact.host}: ${failure ?? 'yes'}`);
        if (failure !== null && host.ring === ring && host.process.isRunning) this.#join(host);
      },
    );
  }

  #lookupDuring(): void {
    const asker = this.#pick(this.#sim.live().filter((h) => h.ring.states().length > 0));
    if (asker === undefined) return;
    const key = this.#key();
    this.#during.asked++;
    asker.ring.lookup(key, (found) => {
      if (found === null) this.#during.failed++;
      else if (found.owner.id !== this.#sim.ownerOf(key).id) this.#during.wrong++;
    });
  }

  #lookupsAfter(): string | null {
    const wrong: string[] = [];
    let open = finalLookups;
    for (let i = 0; i < finalLookups; i++) {
      const key = this.#key();
      this.#pick(this.#sim.live())?.ring.lookup(key, (found) => {
        open--;
        const owner = this.#sim.ownerOf(key).id;
        if (found?.owner.id !== owner) wrong.push(`${key} belongs to ${owner}, found ${found?.owner.id ?? 'no one'}`);
      });
    }
    this.#sim.time.runUntil(this.#sim.time.now + 5000);
    if (open > 0) return `${open} lookups never ended`;
    return wrong[0] ?? this.#sim.inconsistency();
  }

  /** On a small ring the place is chosen among the free ones, where hashes would collide. */
  #addHost(): SimulatedHost {
    const { bits } = this.#plan.simulation;
    if (bits > 16) return this.#sim.add();
    const taken = new Set(this.#sim.hosts.flatMap((h) => h.members.map((m) => m.id)));
    let id = this.#key();
    while (taken.has(id)) id = this.#key();
    return this.#sim.add([id]);
  }

  #key(): RingId {
    const { bits } = this.#plan.simulation;
    let key = 0n;
    for (let bit = 0; bit < bits; bit++) key = 2n * key + (this.#chance(0.5) ? 1n : 0n);
    return key.toString(16).padStart(Math.ceil(bits / 4), '0') as RingId;
  }

  #wait(): void {
    this.#sim.time.runUntil(this.#sim.time.now + this.#plan.random.next() ** 2 * longestPause);
  }

  #chance(probability: number): boolean {
    return this.#plan.random.next() < probability;
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[Math.floor(this.#plan.random.next() * values.length)];
  }
}
