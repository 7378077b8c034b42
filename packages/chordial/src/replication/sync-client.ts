/** The asking side of reconciliation: one method per message, split into messages of bounded size. */

import type { Contact } from '@chordial/ring';
import { blockKey } from '../content/cid.ts';
import type { Transport } from '../network/transport.ts';
import type { Claim } from '../storage/claim-table.ts';
import type { ItemSet } from '../storage/item-index.ts';
import { isInArc, type KeyArc } from '../storage/range-parts.ts';
import type { Message } from '../wire/message.ts';
import { claimsAt } from './claim-pages.ts';
import {
  type AskedItem,
  type ComparedRange,
  type HeldAnswer,
  type ItemsPage,
  type ListedItem,
  maxItemsPerQuestion,
  maxRangesPerMessage,
  maxRecordsPerMessage,
  type RangeAnswer,
  syncMessages,
  type ToldRange,
} from './sync-messages.ts';

/** Scanning partial buckets of many ranges on a busy disk stays well below. */
const deadlineMilliseconds = 5000;
/** Pages of one range from one host in one round: two hundred thousand items. */
const maxPagesPerRange = 100;

export class SyncClient {
  readonly #transport: Transport;
  readonly #signal: AbortSignal;

  constructor(transport: Transport, signal: AbortSignal) {
    this.#transport = transport;
    this.#signal = signal;
  }

  async compare(host: Contact, ranges: readonly ComparedRange[]): Promise<readonly RangeAnswer[]> {
    const answers: RangeAnswer[] = [];
    for (const some of chunks(ranges, maxRangesPerMessage))
      answers.push(...(await this.#ask(host, syncMessages.compare, { ranges: some })).answers);
    return answers;
  }

  /** A host's list of a range; items outside it, or that do not match their CID, are skipped. */
  async *items(host: Contact, set: ItemSet, range: KeyArc): AsyncGenerator<readonly ListedItem[], void, undefined> {
    let cursor: string | null = null;
    for (let pages = 0; pages < maxPagesPerRange; pages++) {
      const page: ItemsPage = await this.#ask(host, syncMessages.items, { set, range, cursor });
      yield page.items.filter(
        ({ key, cid }) => isInArc(range, key.slice(0, 64)) && (cid === null || blockKey(cid) === key),
      );
      if (page.cursor === null || page.items.length === 0) return;
      cursor = page.cursor;
    }
  }

  /** Those of the records that the host still has. */
  async records(host: Contact, keys: readonly string[]): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = [];
    for (const some of chunks(keys, maxRecordsPerMessage)) {
      const { entries } = await this.#ask(host, syncMessages.records, { keys: some });
      found.push(...entries.filter((entry) => entry !== null));
    }
    return found;
  }

  /** The claims of each block at the host, in the order of the keys. */
  async claims(host: Contact, keys: readonly string[]): Promise<readonly (readonly Claim[])[]> {
    return claimsAt(this.#transport, host, keys, { deadline: deadlineMilliseconds, signal: this.#signal });
  }

  /** @param nonce for one request, of at most `maxItemsPerQuestion` items then */
  async holds(
    host: Contact,
    items: readonly AskedItem[],
    nonce: Uint8Array | null = null,
  ): Promise<readonly HeldAnswer[]> {
    const answers: HeldAnswer[] = [];
    for (const some of chunks(items, maxItemsPerQuestion))
      answers.push(...(await this.#ask(host, syncMessages.holds, { items: some, nonce })).answers);
    return answers;
  }

  async confirm(host: Contact, ranges: readonly ToldRange[]): Promise<void> {
    for (const some of chunks(ranges, maxRangesPerMessage))
      await this.#ask(host, syncMessages.confirm, { ranges: some });
  }

  #ask<Question, Answer>(host: Contact, message: Message<Question, Answer>, question: Question): Promise<Answer> {
    return message.ask(this.#transport, host, question, { deadline: deadlineMilliseconds, signal: this.#signal });
  }
}

export function chunks<Entry>(entries: readonly Entry[], size: number): readonly (readonly Entry[])[] {
  return Array.from({ length: Math.ceil(entries.length / size) }, (_, index) =>
    entries.slice(index * size, (index + 1) * size),
  );
}
