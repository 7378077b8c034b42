/** Sends new headers of batches to the hosts that hold their leaves: to renew, thin or end the batches. */

import type { Contact, HostId, Milliseconds } from '@chordial/ring';
import { forEachConcurrently } from '../flow/for-each.ts';
import { TransportError } from '../network/transport.ts';
import { cellCount } from './share-leaf.ts';
import { maxHeaderBytesPerMessage, maxHeadersPerMessage, shareMessages } from './share-messages.ts';
import { addWork, type ByHost, placesOfCells, type SharePorts } from './share-places.ts';

const deadlineMilliseconds: Milliseconds = 5000;
const hostConcurrency = 16;

/** A header and where its leaves are. */
export interface PlacedHeader {
  readonly number: number;
  readonly header: Uint8Array;
  /** Null: all cells. */
  readonly cells: readonly number[] | null;
}

export interface Spread {
  /** Per batch, hosts that accepted its header. */
  readonly taken: ReadonlyMap<number, ReadonlySet<HostId>>;
  /** Per batch, sum of leaves at these hosts. */
  readonly leaves: ReadonlyMap<number, number>;
  /** Hosts that did not answer, or refused. */
  readonly failed: ReadonlySet<HostId>;
}

/** Sends to every place of the batches' cells. Rejects only when places cannot be looked up. */
export async function spreadHeaders(
  headers: readonly PlacedHeader[],
  ports: SharePorts,
  signal: AbortSignal,
): Promise<Spread> {
  const byHost: ByHost<PlacedHeader> = new Map();
  for (const header of headers)
    for (const host of distinct(await placesOfCells(header.cells ?? everyCell, ports))) addWork(byHost, host, header);
  return tellHosts(byHost, ports, signal);
}

/** Sends to these hosts. */
export async function tellHosts(byHost: ByHost<PlacedHeader>, ports: SharePorts, signal: AbortSignal): Promise<Spread> {
  const taken = new Map<number, Set<HostId>>();
  const leaves = new Map<number, number>();
  const failed = new Set<HostId>();
  await forEachConcurrently(byHost.values(), hostConcurrency, async ({ host, work }) => {
    for (const some of messagesOf(work)) {
      const held = await tell(host, some, ports, signal);
      if (held === null) failed.add(host.host);
      for (const [index, { number }] of some.entries()) {
        const count = held?.[index] ?? -1;
        if (count < 0) {
          failed.add(host.host);
          continue;
        }
        leaves.set(number, (leaves.get(number) ?? 0) + count);
        taken.set(number, (taken.get(number) ?? new Set()).add(host.host));
      }
    }
  });
  return { taken, leaves, failed };
}

const everyCell: readonly number[] = Array.from({ length: cellCount }, (_, cell) => cell);

function distinct(places: ReadonlyMap<number, readonly Contact[]>): Iterable<Contact> {
  return new Map([...places.values()].flat().map((contact) => [contact.host, contact])).values();
}

/** Leaves per batch at the host, or null when it did not answer. */
async function tell(
  host: Contact,
  some: readonly PlacedHeader[],
  { transport, holder, view, report }: SharePorts,
  signal: AbortSignal,
): Promise<readonly number[] | null> {
  const headers = some.map(({ header }) => header);
  if (host.host === view.self.host) return holder.renew(host, headers);
  try {
    const options = { deadline: deadlineMilliseconds, signal };
    return (await shareMessages.renew.ask(transport, host, { headers }, options)).leaves;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if (error.failure !== 'refused' && error.failure !== 'aborted') view.suspect(host);
    report?.('no-answer', host, error.message);
    return null;
  }
}

function* messagesOf(headers: readonly PlacedHeader[]): Generator<readonly PlacedHeader[], void, undefined> {
  let some: PlacedHeader[] = [];
  let bytes = 0;
  for (const header of headers) {
    if (
      some.length === maxHeadersPerMessage ||
      (some.length > 0 && bytes + header.header.length > maxHeaderBytesPerMessage)
    ) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(header);
    bytes += header.header.length;
  }
  if (some.length > 0) yield some;
}
