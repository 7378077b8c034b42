/** Single leaves from host to host, each with its own proof, for repair; the receiver verifies them as always. */

import type { Contact, Milliseconds } from '@chordial/ring';
import type { Transport } from '../network/transport.ts';
import type { HeldLeaf } from '../storage/share-table.ts';
import { splitProof } from './merkle-run.ts';
import { type OfferedRun, runOfLeaf } from './share-holder.ts';
import {
  maxHeaderBytesPerMessage,
  maxHeadersPerMessage,
  maxLeavesPerAnswer,
  maxRunsPerMessage,
  type Run,
  shareMessages,
} from './share-messages.ts';

const deadlineMilliseconds: Milliseconds = 5000;

/** Those of the leaves that the host still has; `keys` are those of its index. */
export async function fetchLeaves(
  host: Contact,
  keys: readonly string[],
  transport: Transport,
  signal: AbortSignal,
): Promise<readonly OfferedRun[]> {
  const runs: OfferedRun[] = [];
  for (let start = 0; start < keys.length; start += maxLeavesPerAnswer) {
    const some = keys.slice(start, start + maxLeavesPerAnswer);
    const options = { deadline: deadlineMilliseconds, signal };
    const { headers, leaves } = await shareMessages.pull.ask(transport, host, { keys: some }, options);
    runs.push(...leaves.flatMap((leaf) => (leaf === null ? [] : [runOfLeaf(headers[leaf.batch]!, leaf)])));
  }
  return runs;
}

/** Resolves with whether the host now holds all of them. */
export async function sendLeaves(
  host: Contact,
  leaves: readonly HeldLeaf[],
  transport: Transport,
  signal?: AbortSignal,
): Promise<boolean> {
  let isWhole = true;
  for (const { headers, some } of messagesOf(leaves)) {
    const runs = some.map(({ position, bytes, path, header }): Run => {
      return {
        batch: headers.indexOf(textOf(header)),
        first: position,
        sizes: [bytes.length],
        proof: splitProof(path),
      };
    });
    const put = { headers: headers.map((text) => Buffer.from(text, 'base64')), runs };
    const header = shareMessages.put.encode(put);
    const options = {
      deadline: deadlineMilliseconds,
      traffic: 'repair',
      ...(signal === undefined ? {} : { signal }),
    } as const;
    const payload = once(Buffer.concat(some.map(({ bytes }) => bytes)));
    const answer = await transport.stream(host, shareMessages.put.kind, { header, payload }, options);
    const { results } = shareMessages.put.decodeAnswer(answer.header, put);
    isWhole &&= results.every((result) => result === 'stored');
  }
  return isWhole;
}

/** Message-sized parts, each with its headers in base64. At 8 KiB a leaf, 128 of them fill a message. */
function* messagesOf(leaves: readonly HeldLeaf[]): Generator<{ headers: string[]; some: HeldLeaf[] }, void, undefined> {
  let [headers, some, headerBytes]: [string[], HeldLeaf[], number] = [[], [], 0];
  for (const leaf of leaves) {
    const text = textOf(leaf.header);
    const isNew = !headers.includes(text);
    const isFull =
      some.length === maxRunsPerMessage / 2 ||
      (isNew && headers.length === maxHeadersPerMessage) ||
      (isNew && headers.length > 0 && headerBytes + leaf.header.length > maxHeaderBytesPerMessage);
    if (isFull) {
      yield { headers, some };
      [headers, some, headerBytes] = [[], [], 0];
    }
    if (isNew || isFull) {
      headers.push(text);
      headerBytes += leaf.header.length;
    }
    some.push(leaf);
  }
  if (some.length > 0) yield { headers, some };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
