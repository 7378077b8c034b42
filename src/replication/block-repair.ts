/** Goes through the blocks held here and makes the copies that are missing at their places. */
import type { CID } from 'multiformats/cid';
import { verifyBlock } from '../content/cid.ts';
import { ringIdOfHash } from '../ring/identifier.ts';
import type { Contact, HostId } from '../ring/pointer.ts';
import type { StoredBlock } from '../storage/block-store.ts';
import { blockMessages, decodeSizes, encodeCids } from './block-messages.ts';
import { ByteBudget } from './byte-budget.ts';
import { copiesWanted } from './placement.ts';
import type { RepairPorts } from './repair-ports.ts';

/** Blocks looked at together: one question to each of their places. */
const blocksPerPage = 512;
const deadlineMilliseconds = 3000;
/** Blocks read from disk and on their way. */
const maximumBytesUnderWay = 16 * 1024 * 1024;

interface Placed {
  readonly block: StoredBlock;
  readonly places: readonly Contact[];
}

export class BlockRepair {
  readonly #ports: RepairPorts;
  readonly #budget = new ByteBudget(maximumBytesUnderWay);

  constructor(ports: RepairPorts) {
    this.#ports = ports;
  }

  /** Resolves with the number of copies made. */
  async round(signal: AbortSignal): Promise<number> {
    let made = 0;
    let cursor: string | null = null;
    do {
      const page = await this.#ports.blocks.keys('all', cursor, blocksPerPage);
      made += await this.#mend(page.items, signal);
      cursor = page.cursor;
    } while (cursor !== null && !signal.aborted);
    return made;
  }

  async #mend(blocks: readonly StoredBlock[], signal: AbortSignal): Promise<number> {
    const placed = await Promise.all(blocks.map((block) => this.#placed(block)));
    const held = await this.#askPlaces(placed);
    const pushes: Promise<number>[] = [];
    for (const { block, places } of placed) {
      const missing = this.#missing(block, places, held);
      for (const host of missing) {
        if (signal.aborted) break;
        await this.#budget.take(block.size);
        pushes.push(this.#push(block, host).finally(() => this.#budget.give(block.size)));
      }
    }
    const counts = await Promise.all(pushes);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #placed(block: StoredBlock): Promise<Placed> {
    const { view, placement, blocks, replicas } = this.#ports;
    const wanted = copiesWanted(blocks.claimsOf(block.cid), replicas);
    return { block, places: await placement.places(ringIdOfHash(block.key, view.shape.bits), wanted) };
  }

  /** Per host, the keys of those blocks that it said it has; a host that did not answer is left out. */
  async #askPlaces(placed: readonly Placed[]): Promise<ReadonlyMap<HostId, ReadonlySet<string>>> {
    const self = this.#ports.view.self.host;
    const questions = new Map<HostId, { host: Contact; blocks: StoredBlock[] }>();
    for (const { block, places } of placed) {
      for (const host of places) {
        if (host.host === self) continue;
        const question = questions.get(host.host) ?? { host, blocks: [] };
        question.blocks.push(block);
        questions.set(host.host, question);
      }
    }
    const held = new Map<HostId, ReadonlySet<string>>();
    await Promise.all(
      [...questions.values()].map(async ({ host, blocks }) => {
        const sizes = await this.#ask(
          host,
          blocks.map(({ cid }) => cid),
        );
        if (sizes !== null)
          held.set(host.host, new Set(blocks.filter((_, index) => sizes[index] !== -1).map(({ key }) => key)));
      }),
    );
    return held;
  }

  async #ask(host: Contact, cids: readonly CID[]): Promise<readonly number[] | null> {
    try {
      const options = { deadline: deadlineMilliseconds };
      const answer = await this.#ports.transport.request(host, blockMessages.has, encodeCids(cids), options);
      return decodeSizes(answer, cids.length);
    } catch (error) {
      this.#ports.report?.('no-answer', host, (error as Error).message);
      return null;
    }
  }

  /** The places to which this host is the one to push: no place before it has the block. */
  #missing(
    block: StoredBlock,
    places: readonly Contact[],
    held: ReadonlyMap<HostId, ReadonlySet<string>>,
  ): readonly Contact[] {
    const self = this.#ports.view.self.host;
    const first = places.find(({ host }) => host === self || held.get(host)?.has(block.key) === true);
    if (first !== undefined && first.host !== self) return [];
    return places.filter(({ host }) => host !== self && held.get(host)?.has(block.key) === false);
  }

  async #push(block: StoredBlock, host: Contact): Promise<number> {
    const bytes = await this.#read(block);
    if (bytes === null) return 0;
    try {
      await this.#ports.lanes
        .to(host)
        .store({ block: { cid: block.cid, bytes }, claims: this.#ports.blocks.claimsOf(block.cid), abandoned: false });
      this.#ports.leaves.giveBack(bytes);
      return 1;
    } catch (error) {
      this.#ports.report?.('refused', host, (error as Error).message);
      return 0;
    }
  }

  /** null when there is nothing to pass on; one file that cannot be read holds up no other. */
  async #read({ cid }: StoredBlock): Promise<Uint8Array | null> {
    const { blocks, leaves, view, report, damaged } = this.#ports;
    try {
      const bytes = await blocks.get(cid, leaves);
      if (bytes === null || verifyBlock(cid, bytes)) return bytes;
      damaged?.(cid);
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} is damaged; it was not passed on.`);
    } catch (error) {
      report?.('wrong-bytes', view.self, `The own copy of block ${cid} cannot be read: ${(error as Error).message}`);
    }
    return null;
  }
}
