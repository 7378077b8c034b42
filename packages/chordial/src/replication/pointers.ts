/**
 * A full host stores a pointer in place of a block: which other host has it (spec/4, Who may delete, and space). The
 * host that puts a block tells the full host where it went; readers that find the block at none of its places ask
 * these. Pointers survive a restart, and end when the block itself arrives, offered by repair once there is room.
 */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import type { CID } from 'multiformats/cid';
import { blockKey } from '../content/cid.ts';
import { isHostId } from '../network/host-id.ts';
import type { PointerTable } from '../storage/pointer-table.ts';
import { blockMessages, maxCidsPerPointer } from './block-messages.ts';
import type { DataPorts } from './data-ports.ts';

/** Pointers for one host are batched for this long. */
const gatherMilliseconds: Milliseconds = 50;
const deadlineMilliseconds: Milliseconds = 2000;
/** Queued pointers; the others are found by asking around. */
const maxWaiting = 4096;

interface Waiting {
  readonly full: Contact;
  readonly holder: HostId;
  readonly cids: CID[];
}

export class Pointers {
  readonly #ports: Pick<DataPorts, 'view' | 'transport' | 'clock' | 'report'>;
  readonly #kept: Pick<PointerTable, 'holder' | 'put'>;
  readonly #waiting = new Map<string, Waiting>();
  #waitingCids = 0;

  constructor(
    ports: Pick<DataPorts, 'view' | 'transport' | 'clock' | 'report'>,
    kept: Pick<PointerTable, 'holder' | 'put'>,
  ) {
    this.#ports = ports;
    this.#kept = kept;
  }

  /** Whether this host has a pointer for the block. */
  has(key: string): boolean {
    return this.#kept.holder(key) !== null;
  }

  /** The host to which it points, if that is live; else null. */
  liveHolder(cid: CID): HostId | null {
    const holder = this.#holder(cid);
    return this.#ports.view.hosts().some(({ host }) => host === holder) ? holder : null;
  }

  /** `blocks.point` */
  async point(cids: readonly CID[], holder: HostId): Promise<void> {
    await this.#kept.put(cids.map((cid) => ({ key: blockKey(cid), holder })));
  }

  /** `blocks.where` */
  where(cids: readonly CID[]): readonly (HostId | null)[] {
    return cids.map((cid) => this.#holder(cid));
  }

  /** Tells the full host that the holder has the block in its place. */
  tell(full: Contact, holder: Contact, cid: CID): void {
    if (full.host === this.#ports.view.self.host) {
      const failed = (error: Error): void => this.#ports.report?.('no-answer', full, error.message);
      this.#kept.put([{ key: blockKey(cid), holder: holder.host }]).catch(failed);
      return;
    }
    if (this.#waitingCids >= maxWaiting) return;
    const key = `${full.host} ${holder.host}`;
    const waiting = this.#waiting.get(key) ?? { full, holder: holder.host, cids: [] };
    if (waiting.cids.length === 0) {
      this.#waiting.set(key, waiting);
      this.#ports.clock.after(gatherMilliseconds, () => this.#send(key));
    }
    waiting.cids.push(cid);
    this.#waitingCids += 1;
    if (waiting.cids.length === maxCidsPerPointer) this.#send(key);
  }

  /** Known live hosts to which these places, or this host, point for the block. */
  async holders(cid: CID, places: readonly Contact[]): Promise<readonly Contact[]> {
    const { view, transport, report } = this.#ports;
    const found = new Set<HostId>();
    const own = this.#holder(cid);
    if (own !== null) found.add(own);
    await Promise.all(
      places
        .filter(({ host }) => host !== view.self.host && !view.isDead(host))
        .map(async (place) => {
          try {
            const options = { deadline: deadlineMilliseconds };
            const { holders } = await blockMessages.where.ask(transport, place, { cids: [cid] }, options);
            for (const holder of holders) if (holder !== null) found.add(holder);
          } catch (error) {
            report?.('no-answer', place, (error as Error).message);
          }
        }),
    );
    return view.hosts().filter(({ host }) => found.has(host));
  }

  #holder(cid: CID): HostId | null {
    const holder = this.#kept.holder(blockKey(cid));
    return isHostId(holder) ? holder : null;
  }

  #send(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    this.#waitingCids -= waiting.cids.length;
    const { transport, report } = this.#ports;
    blockMessages.point
      .ask(transport, waiting.full, waiting, { deadline: deadlineMilliseconds })
      .catch((error: Error) => report?.('no-answer', waiting.full, error.message));
  }
}
