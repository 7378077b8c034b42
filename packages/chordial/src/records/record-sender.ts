/** Sends records to one host: entries to be stored there are batched into a few messages at a time. */

import type { Contact } from '@chordial/ring';
import { ChordialError, isErrorCode } from '../errors.ts';
import { PeerQueue, type Queued } from '../network/peer-queue.ts';
import { TransportError } from '../network/transport.ts';
import type { EncodedEntry } from './entry.ts';
import { maxEntriesPerMessage, recordMessages } from './record-messages.ts';
import type { RecordPorts } from './record-ports.ts';

const maxMessages = 4;
/** With this many in flight, new entries wait for an answer or a full message: a message costs more than the entries in it. */
const messageConcurrency = 2;
const minEntriesBeside = 32;
/** A commit on a busy disk stays well below. */
const deadlineMilliseconds = 3000;

interface Waiting extends Queued {
  readonly entry: EncodedEntry;
  readonly stored: () => void;
}

export class RecordSender {
  contact: Contact;
  readonly #ports: Pick<RecordPorts, 'transport' | 'clock' | 'view' | 'report'>;
  readonly #queue: PeerQueue<Waiting>;

  constructor(contact: Contact, ports: Pick<RecordPorts, 'transport' | 'clock' | 'view' | 'report'>) {
    this.contact = contact;
    this.#ports = ports;
    this.#queue = new PeerQueue(contact.host, ports.clock, {
      nextBatch: () => this.#nextBatch(),
      carry: (batch) => this.#carry(batch),
    });
  }

  get idle(): boolean {
    return this.#queue.idle;
  }

  /** Resolves when the host durably holds the entry or a newer one. */
  store(entry: EncodedEntry): Promise<void> {
    return new Promise((stored, failed) => {
      this.#queue.push({ entry, since: this.#ports.clock.now(), stored, failed });
    });
  }

  isStalled(milliseconds: number): boolean {
    return this.#queue.isStalled(milliseconds);
  }

  #nextBatch(): readonly Waiting[] {
    const { batchesInFlight: messages, waiting } = this.#queue;
    const isWorth = messages < messageConcurrency || waiting.length >= minEntriesBeside;
    return messages < maxMessages && isWorth ? waiting.take(maxEntriesPerMessage) : [];
  }

  async #carry(batch: readonly Waiting[]): Promise<void> {
    try {
      const entries = batch.map(({ entry }) => entry.bytes);
      const options = { deadline: deadlineMilliseconds };
      const { results } = await recordMessages.put.ask(this.#ports.transport, this.contact, { entries }, options);
      this.#queue.progress();
      for (const [index, waiting] of batch.entries()) {
        const result = results[index] ?? 'internal';
        if (result === 'stored' || result === 'known') waiting.stored();
        else waiting.failed(refusal(this.contact, result));
      }
    } catch (error) {
      if (error instanceof TransportError && error.failure !== 'refused') this.#ports.view.suspect(this.contact);
      this.#ports.report?.('no-answer', this.contact, (error as Error).message);
      for (const waiting of batch) waiting.failed(error as Error);
    }
  }
}

function refusal(contact: Contact, code: string): ChordialError {
  return new ChordialError(isErrorCode(code) ? code : 'internal', `${contact.host} did not store a record: ${code}.`);
}
