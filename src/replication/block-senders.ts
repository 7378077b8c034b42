/** One lane per host, made when it is needed and forgotten when it is idle. */
import { type Contact, type HostId, sameAddresses } from '@chordial/ring';
import { BlockSender } from './block-sender.ts';
import type { DataPorts } from './data-ports.ts';

/** Idle lanes are swept when there are more than this many. */
const maxIdleLanes = 256;

export class BlockSenders {
  readonly #ports: DataPorts;
  readonly #lanes = new Map<HostId, BlockSender>();

  constructor(ports: DataPorts) {
    this.#ports = ports;
  }

  to(contact: Contact): BlockSender {
    const known = this.#lanes.get(contact.host);
    // A host that came back at another address is another way.
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
