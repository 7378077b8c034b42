/** Puts and gets by a peer, timed from the request to completion, and their cost. */
import { readFile } from 'node:fs/promises';
import type { PeerProcess } from '../packages/chordial/test/end-to-end/peer-process.ts';
import { markedFile, markedPart } from '../packages/chordial/test/fixtures/marked.ts';
import { mebibyte } from './random-file.ts';

const waitMilliseconds = 30_000;
const maxMinutes = 30;
const clockTicksPerSecond = 100;

interface Status {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Seconds until the file is complete and verified at `target`. */
export async function timedGet(peer: PeerProcess, name: string, target: string): Promise<number> {
  return timed(peer, { kind: 'get', name, ...(await markedPart(target)) });
}

/** Seconds until all blocks and the name are durable on a write quorum. */
export async function timedPut(
  peer: PeerProcess,
  name: string,
  file: string,
  wish: { readonly replicas: number; readonly sealed?: object },
): Promise<number> {
  return timed(peer, { kind: 'put', name, ...(await markedFile(file)), ...wish });
}

/** The CID under which a name is published. */
export async function cidOf(peer: PeerProcess, name: string): Promise<string> {
  const { cid } = await peer.json<{ cid: string }>(`/api/v1/files/${encodeURIComponent(name)}/stat`);
  return cid;
}

async function timed(peer: PeerProcess, body: object): Promise<number> {
  const start = performance.now();
  const headers = { 'content-type': 'application/json' };
  const response = await peer.request('/api/v1/transfers', {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...body, key: await peer.key() }),
  });
  if (!response.ok) throw new Error(`the transfer was refused: ${response.status} ${await response.text()}`);
  let status = (await response.json()) as Status;
  while (status.state === 'running') {
    if (performance.now() - start > maxMinutes * 60_000) throw new Error('the transfer takes too long');
    const route = `/api/v1/transfers/${status.id}?wait=${waitMilliseconds}`;
    const signal = AbortSignal.timeout(2 * waitMilliseconds);
    status = (await (await peer.request(route, { signal })).json()) as Status;
  }
  if (status.state !== 'done') throw new Error(`the transfer ended ${status.state}: ${status.error?.message ?? ''}`);
  return (performance.now() - start) / 1000;
}

/** User and system CPU seconds of the process, from the kernel; 0 where unavailable. */
export async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / clockTicksPerSecond;
}

/** The result of the work, and the CPU seconds of each process during it. */
export async function metered<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: readonly number[] }> {
  const before = await Promise.all(pids.map(cpuSeconds));
  const result = await work();
  const after = await Promise.all(pids.map(cpuSeconds));
  return { result, cpu: after.map((seconds, index) => seconds - (before[index] ?? 0)) };
}

/** CPU seconds per GiB over several transfers of equal size. */
export class TransferCost {
  readonly #bytes: number;
  readonly #cpu: number[] = [];
  #transfers = 0;

  /** @param bytes of each transfer */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** One value per side, always in the same order. */
  add(cpu: readonly number[]): void {
    this.#transfers += 1;
    for (const [side, seconds] of cpu.entries()) this.#cpu[side] = (this.#cpu[side] ?? 0) + seconds;
  }

  /** CPU seconds per GiB of one side. */
  of(side: number): number {
    return ((this.#cpu[side] ?? 0) * 1024 * mebibyte) / (this.#transfers * this.#bytes);
  }

  get all(): number {
    return this.#cpu.reduce((sum, _, side) => sum + this.of(side), 0);
  }

  /** Text shown beside a rate. */
  toString(): string {
    return `CPU ${this.#cpu.map((_, side) => this.of(side).toFixed(1)).join(' + ')} s a GiB`;
  }
}

/** Bytes read by the process so far, from disk or cache; 0 where unavailable. */
export async function bytesRead(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '');
  return Number(/^rchar:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}

/** Resident memory now and its peak. */
export async function residentBytes(pid: number): Promise<{ readonly now: number; readonly highest: number }> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const read = (key: string): number => Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(text)?.[1] ?? 0) * 1024;
  return { now: read('VmRSS'), highest: read('VmHWM') };
}
