/** Storage of a hostile member: it acknowledges everything and keeps it as long as it likes. */
import { blockKey } from '../../src/content/cid.ts';
import {
  drainPayload,
  type IncomingStream,
  type OutgoingStream,
  TransportError,
  type Wire,
} from '../../src/network/transport.ts';
import { decodeEntry } from '../../src/records/entry.ts';
import { recordKeyOf } from '../../src/records/record-keys.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { absentSize, blockMessages } from '../../src/replication/block-messages.ts';

/** Limits the memory of the hostile process. */
const maxBytes = 256 * 1024 * 1024;
const maxEntries = 20_000;

export class Hoard {
  readonly blocks = new Map<string, Uint8Array>();
  /** By record key. */
  readonly entries = new Map<string, Uint8Array[]>();
  #bytes = 0;
  #kept = 0;

  async request(kind: string, body: Wire): Promise<Wire> {
    if (kind === blockMessages.has.kind)
      return blockMessages.has.encodeAnswer({ sizes: this.sizes(body), cached: new Set() });
    if (kind === recordMessages.put.kind) return this.#keep(recordMessages.put.decode(body).entries);
    if (kind === recordMessages.get.kind) {
      const { keys } = recordMessages.get.decode(body);
      const entries = keys.map((key) => (this.entries.get(key) ?? []).slice(0, 64));
      return recordMessages.get.encodeAnswer({ entries, more: keys.map(() => null), unknown: keys.map(() => false) });
    }
    throw new TransportError('refused', 'No.');
  }

  async stream(kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    if (kind === blockMessages.put.kind) return this.#take(incoming);
    if (kind !== blockMessages.get.kind) throw new TransportError('refused', 'No.');
    const { cids } = blockMessages.get.decode(incoming.header);
    const held = cids.flatMap((cid) => this.blocks.get(blockKey(cid)) ?? []);
    return {
      header: blockMessages.get.encodeAnswer({ sizes: cids.map((cid) => this.#size(blockKey(cid))) }),
      payload: piecesOf(held),
    };
  }

  sizes(body: Wire): readonly number[] {
    return blockMessages.has.decode(body).cids.map((cid) => this.#size(blockKey(cid)));
  }

  #size(key: string): number {
    return this.blocks.get(key)?.length ?? absentSize;
  }

  async #take(incoming: IncomingStream): Promise<OutgoingStream> {
    const offered = blockMessages.put.decode(incoming.header);
    const pieces: Uint8Array[] = [];
    await drainPayload(incoming.payload, (piece) => {
      pieces.push(Uint8Array.from(piece));
      return undefined;
    });
    const bytes = Buffer.concat(pieces);
    let at = 0;
    for (const { cid, size } of offered) {
      if (this.#bytes + size <= maxBytes) this.blocks.set(blockKey(cid), bytes.subarray(at, at + size));
      this.#bytes += size;
      at += size;
    }
    return { header: blockMessages.put.encodeAnswer({ results: offered.map(() => 'stored') }) };
  }

  #keep(list: readonly Uint8Array[]): Wire {
    for (const bytes of list) {
      if (this.#kept++ > maxEntries) break;
      const key = recordKeyOf(decodeEntry(bytes).entry, { bits: 256, teaching: false });
      const known = this.entries.get(key) ?? [];
      known.push(bytes);
      this.entries.set(key, known);
    }
    return recordMessages.put.encodeAnswer({ results: list.map(() => 'stored') });
  }
}

async function* piecesOf(list: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}
