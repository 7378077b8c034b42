/**
 * Makes blocks durable on r distinct hosts (spec/4, put).
 *
 * A block is acknowledged when it is durable on all its places; or on w of them and the rest missed its grace, which is
 * then left to repair. A host that fails is replaced by the next one in ring order. Hashing the next blocks, sending and
 * the hosts' fsyncs overlap; the bytes held are bounded over all puts of the process.
 */
import type { CID } from 'multiformats/cid';
import { type Block, blockKey } from '../content/cid.ts';
import { ChordialError } from '../errors.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Timer } from '../ring/ports.ts';
import { BlockWriter } from './block-writer.ts';
import { ByteBudget } from './byte-budget.ts';
import type { DataPorts } from './data-ports.ts';
import type { WantedCopy } from './host-lane.ts';
import { HostLanes } from './host-lanes.ts';

/** Blocks handed in and not yet acknowledged, over all puts of the process. */
const maximumUnacknowledgedBytes = 32 * 1024 * 1024;
/** A copy missing so long after w others are durable is left to repair … */
const graceMilliseconds = 1000;
/** … unless its host is merely slower: it acknowledged something within the grace. Not for ever. */
const maximumGraces = 10;

export interface CopyRule {
  /** r: copies wanted. */
  readonly replicas: number;
  /** w: copies without which a put fails while that many hosts are members. */
  readonly writeQuorum: number;
}

export class BlockStorer {
  readonly #ports: DataPorts;
  readonly #lanes: HostLanes;
  readonly #budget = new ByteBudget(maximumUnacknowledgedBytes);

  constructor(ports: DataPorts) {
    this.#ports = ports;
    this.#lanes = new HostLanes(ports);
  }

  get lanes(): HostLanes {
    return this.#lanes;
  }

  /** A writer for one put; `finish` tells how it went. */
  writer(rule: CopyRule, signal?: AbortSignal): BlockWriter {
    return new BlockWriter(this.#budget, (block) => this.store(block, rule), signal);
  }

  /** Copies that are durable when it resolves. Rejects with `too-few-copies`. */
  async store(block: Block, rule: CopyRule): Promise<number> {
    const key = ringIdOfHash(blockKey(block.cid), this.#ports.view.shape.bits);
    const hosts = await this.#ports.placement.candidates(key, rule.replicas);
    return new Storing(block, this.#wellFirst(hosts), rule, this.#ports, this.#lanes).run();
  }

  /** Places whose way is stuck come last: they get their copy when they are well again, by repair. */
  #wellFirst(hosts: readonly Contact[]): readonly Contact[] {
    const stuck = (host: Contact): boolean => this.#lanes.to(host).isStalled(graceMilliseconds);
    return hosts.some(stuck) ? [...hosts.filter((host) => !stuck(host)), ...hosts.filter(stuck)] : hosts;
  }
}

/** One block on its way to its places. */
class Storing {
  readonly #hosts: readonly Contact[];
  readonly #wanted: number;
  readonly #needed: number;
  readonly #ports: DataPorts;
  readonly #lanes: HostLanes;
  readonly #copy: WantedCopy;
  readonly #outcome = Promise.withResolvers<number>();
  readonly #pending = new Set<Contact>();
  readonly #failures: string[] = [];
  #next = 0;
  #stored = 0;
  #grace: Timer | null = null;
  #graces = 0;

  constructor(block: Block, hosts: readonly Contact[], rule: CopyRule, ports: DataPorts, lanes: HostLanes) {
    this.#hosts = hosts;
    this.#wanted = Math.min(rule.replicas, hosts.length);
    this.#needed = Math.max(1, Math.min(rule.writeQuorum, this.#wanted));
    this.#ports = ports;
    this.#lanes = lanes;
    this.#copy = { block, abandoned: false };
  }

  async run(): Promise<number> {
    for (let copy = 0; copy < this.#wanted; copy++) this.#tryNext();
    this.#settle();
    try {
      return await this.#outcome.promise;
    } finally {
      this.#grace?.cancel();
      this.#copy.abandoned = true;
    }
  }

  #tryNext(): void {
    const host = this.#hosts[this.#next++];
    if (host === undefined) return;
    this.#pending.add(host);
    this.#lanes
      .to(host)
      .store(this.#copy)
      .then(
        () => {
          this.#pending.delete(host);
          this.#stored += 1;
        },
        (error: Error) => {
          this.#pending.delete(host);
          this.#failures.push(`${host.host}: ${error.message}`);
          if (!this.#copy.abandoned) this.#tryNext();
        },
      )
      .then(() => this.#settle());
  }

  #settle(): void {
    if (this.#stored >= this.#wanted) this.#outcome.resolve(this.#stored);
    else if (this.#pending.size === 0) {
      if (this.#stored >= this.#needed) this.#outcome.resolve(this.#stored);
      else this.#outcome.reject(tooFew(this.#copy.block.cid, this.#stored, this.#needed, this.#failures));
    } else if (this.#stored >= this.#needed && this.#grace === null) this.#startGrace();
  }

  #startGrace(): void {
    this.#grace = this.#ports.clock.after(graceMilliseconds, () => {
      this.#graces += 1;
      const merelySlow = [...this.#pending].some((host) => !this.#lanes.to(host).isStalled(graceMilliseconds));
      if (merelySlow && this.#graces < maximumGraces) this.#startGrace();
      else this.#outcome.resolve(this.#stored);
    });
  }
}

function tooFew(cid: CID, stored: number, needed: number, failures: readonly string[]): ChordialError {
  const reasons = failures.slice(-3).join('; ') || 'no host was there to take it';
  return new ChordialError(
    'too-few-copies',
    `Block ${cid} became durable on ${stored} of the ${needed} hosts that a put needs (${reasons}). Put the file again when more peers are up: what is stored already is not sent again.`,
  );
}
