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
import { type CopyRule, graceMilliseconds, makeCopies } from '../records/durable-copies.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact } from '../ring/pointer.ts';
import type { Claim } from '../storage/claim-table.ts';
import { BlockWriter } from './block-writer.ts';
import { ByteBudget } from './byte-budget.ts';
import type { DataPorts } from './data-ports.ts';
import type { WantedCopy } from './host-lane.ts';
import { HostLanes } from './host-lanes.ts';

/** Blocks handed in and not yet acknowledged, over all puts of the process. */
const maximumUnacknowledgedBytes = 8 * 1024 * 1024;

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
  writer(rule: CopyRule, claims: readonly Claim[], signal?: AbortSignal): BlockWriter {
    return new BlockWriter(this.#budget, (block) => this.store(block, rule, claims), signal);
  }

  /** Copies that are durable when it resolves; the bytes are the storer's from then on. Rejects with `too-few-copies`. */
  async store(block: Block, rule: CopyRule, claims: readonly Claim[] = []): Promise<number> {
    const key = ringIdOfHash(blockKey(block.cid), this.#ports.view.shape.bits);
    const hosts = await this.#ports.placement.candidates(key, rule.replicas);
    const copy: WantedCopy = { block, claims, abandoned: false };
    const { copies, needed, failures, settled } = await makeCopies(this.#wellFirst(hosts), rule, {
      clock: this.#ports.clock,
      storeAt: (host) => this.#lanes.to(host).store(copy),
      isStalled: (host, milliseconds) => this.#lanes.to(host).isStalled(milliseconds),
    });
    copy.abandoned = true;
    if (copies < needed) throw tooFew(block.cid, copies, needed, failures);
    // After a failure a connection may still hold on to the bytes.
    if (settled && failures.length === 0) this.#ports.leaves.giveBack(block.bytes);
    return copies;
  }

  /** Places whose way is stuck come last: they get their copy when they are well again, by repair. */
  #wellFirst(hosts: readonly Contact[]): readonly Contact[] {
    const stuck = (host: Contact): boolean => this.#lanes.to(host).isStalled(graceMilliseconds);
    return hosts.some(stuck) ? [...hosts.filter((host) => !stuck(host)), ...hosts.filter(stuck)] : hosts;
  }
}

function tooFew(cid: CID, stored: number, needed: number, failures: readonly string[]): ChordialError {
  const reasons = failures.slice(-3).join('; ') || 'no host was there to take it';
  return new ChordialError(
    'too-few-copies',
    `Block ${cid} became durable on ${stored} of the ${needed} hosts that a put needs (${reasons}). Put the file again when more peers are up: what is stored already is not sent again.`,
  );
}
