/** One sender per host, created on demand and dropped when idle. */
import { type Contact, type HostId, sameAddresses } from '@chordial/ring';
import { BlockSender } from './block-sender.ts';
import type { DataPorts } from './data-ports.ts';

/** Idle senders are swept beyond this number. */
const maxIdleLanes = 256;

export class BlockSenders {
  readonly #ports: DataPorts;
  readonly #lanes = new Map<HostId, BlockSender>();

  constructor(ports: DataPorts) {
    this.#ports = ports;
  }

  to(contact: Contact): BlockSender {
    const known = this.#lanes.get(contact.host);
    // A host at a new address needs a new sender.
    if (known !== undefined && (sameAddresses(known.contact, contact) || !known.idle)) return known;
    if (this.#lanes.size >= maxIdleLanes) this.#sweep();
    const lane = new BlockSender(contact, this.#ports);
    this.#lanes.set(contact.host, lane);
    return lane;
  }

  #sweep(): void {
    for (const [host, lane] of this.#lanes) if (lane.idle) this.#lanes.delete(host);
  }
}
