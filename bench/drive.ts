/** The drive (WebDAV) against put and get of the same peer, and rclone through it beside rclone through a drive of nginx. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { alternate, type Contender, median, type Samples, threeDigits } from './alternating.ts';
import { metered, TransferCost, timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { Nginx } from './rivals/nginx.ts';
import { debian, needPackages, runProgram, timedProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const minOfTransfer = 0.5;
const listed = 10_000;
const maxListSeconds = 0.5;
/** By default a quarter, for the whole bench ends within 45 minutes. */
const copiedIn = 40_000;
/** Of the files of the first tenth a second, for those of the last. */
const minOfFirst = 0.7;
const filesAtOnce = 8;
const runsOfList = 5;

export async function drive(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { isQuick, isFull, note } = options;
  const bytes = (isQuick ? 128 : 1024) * mebibyte;
  await needPackages([debian.curl, debian.rclone], note);
  await using network = await NetworkFixture.open();
  const peer = await network.start({ flags: ['--door', '127.0.0.1:0', '--serve', 'dav', '--quota', '200G'] });
  const { text } = await network.command(['drive', '--json'], peer);
  const { url, password } = JSON.parse(text) as { url: string; password: string };
  const [file, target, served] = ['file', 'got', 'served'].map((name) => path.join(network.folder, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(served);
  const nginx = await Nginx.drive(network.folder, served, note).catch((error: Error) => {
    note(`nginx left out: ${error.message}`);
    return null;
  });
  await using _ = nginx ?? { [Symbol.asyncDispose]: async () => undefined };
  const curl = (...words: readonly string[]) => timedProgram('curl', ['-sf', '-u', `chordial:${password}`, ...words]);
  await curl('-X', 'MKCOL', `${url}mine/d`);
  const obscured = (await runProgram('rclone', ['obscure', password])).trim();
  const ours = `:webdav,url="${url}mine/d",vendor=owncloud,user=chordial,pass="${obscured}":`;
  const theirs = `:webdav,url="${nginx?.url}":`;
  const copy = (from: string, to: string) =>
    timedProgram('rclone', ['copyto', '--ignore-times', '--config', '', from, to]);
  const fresh = async (act: (run: number) => Promise<number>, run: number): Promise<number> => {
    await rm(target, { force: true });
    return act(run);
  };
  const contenders = (way: 'write' | 'read'): Contender[] => {
    const ways: Record<string, (run: number) => Promise<number>> = {
      drive: (run) =>
        way === 'write'
          ? curl('-T', file, `${url}mine/d/file ${run}`.replace(' ', '%20'))
          : curl('-o', target, `${url}mine/d/file%20${run}`),
      [way === 'write' ? 'put' : 'get']: (run) =>
        way === 'write' ? timedPut(peer, `put ${run}`, file, { replicas: 1 }) : timedGet(peer, `put ${run}`, target),
      'rclone, drive': () => (way === 'write' ? copy(file, `${ours}r`) : copy(`${ours}r`, target)),
      ...(nginx === null
        ? {}
        : { 'rclone, nginx': () => (way === 'write' ? copy(file, `${theirs}r`) : copy(`${theirs}r`, target)) }),
    };
    return Object.entries(ways).map(([name, act]) => ({
      name,
      measure: async (run) => {
        const { result, cpu } = await metered([peer.pid], () => fresh(act, run));
        costOf(way, name).add(cpu);
        return result;
      },
    }));
  };
  const costs = new Map<string, TransferCost>();
  const costOf = (way: string, name: string): TransferCost => {
    const key = `${way} ${name}`;
    const cost = costs.get(key) ?? new TransferCost(bytes);
    costs.set(key, cost);
    return cost;
  };
  await makeRandomFile(file, bytes);
  const rows: BenchRow[] = [];
  for (const way of ['write', 'read'] as const)
    rows.push(...rowsOf(way, bytes, await alternate(contenders(way), options), (name) => `${costOf(way, name)}`));
  const folder = new SmallFiles(`${url}mine/many/`, password);
  return [...rows, ...(await folder.measure(isQuick ? 40 : isFull ? 1 : 4, note))];
}

function rowsOf(
  way: 'write' | 'read',
  bytes: number,
  samples: readonly Samples[],
  costOf: (name: string) => string,
): readonly BenchRow[] {
  const rate = (name: string): number | null => {
    const found = samples.find((one) => one.name === name);
    return found === undefined ? null : bytes / 1e6 / found.median;
  };
  const shown = (name: string): string => {
    const value = rate(name);
    if (value === null) return 'not measured';
    return `${threeDigits(value)} MB/s${name.endsWith('nginx') ? '' : ` (${costOf(name)})`}`;
  };
  const other = way === 'write' ? 'put' : 'get';
  const pairs = [
    ['drive', other, minOfTransfer],
    ['rclone, drive', 'rclone, nginx', null],
  ] as const;
  return pairs.map(([ours, theirs, least]) => {
    const [own, rival] = [rate(ours), rate(theirs)];
    const ratio = own === null || rival === null ? null : own / rival;
    return row(`${way} of ${Math.round(bytes / mebibyte)} MiB, ${ours}`, shown(ours), {
      rival: `${theirs} ${shown(theirs)}`,
      ratio: ratio === null ? '' : ratio.toFixed(2),
      ...(least === null ? {} : { target: `≥ ${least} ×`, verdict: verdict((ratio ?? 0) >= least) }),
    });
  });
}

/** Many small files, written into one folder by several clients at a time, and its listing. */
class SmallFiles {
  readonly #folder: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(folder: string, password: string) {
    this.#folder = folder;
    this.#headers = { Authorization: `Basic ${Buffer.from(`chordial:${password}`).toString('base64')}` };
  }

  /** @param part of the usual number of files */
  async measure(part: number, note: (text: string) => void): Promise<readonly BenchRow[]> {
    const [shown, all] = [Math.min(listed, copiedIn / part), copiedIn / part];
    await fetch(this.#folder, { method: 'MKCOL', headers: this.#headers });
    const rates: number[] = [];
    let taken = Number.NaN;
    const step = all / 20;
    for (let from = 0; from < all; from += step) {
      rates.push(step / (await this.#write(from, from + step)));
      note(`${from + step} files: ${threeDigits(rates.at(-1)!)} a second`);
      if (from + step === shown) taken = await this.#list(shown);
    }
    const [first, last] = [median(rates.slice(0, 3)), median(rates.slice(-3))];
    return [
      row(`PROPFIND of ${shown} entries`, `${threeDigits(taken)} s`, {
        target: `≤ ${maxListSeconds} s`,
        verdict: verdict(taken <= maxListSeconds),
      }),
      row(`${all} small files copied in, the last of them`, `${threeDigits(last)} files/s`, {
        rival: `the first of them ${threeDigits(first)} files/s`,
        ratio: (last / first).toFixed(2),
        target: `≥ ${minOfFirst} ×`,
        verdict: verdict(last / first >= minOfFirst),
      }),
    ];
  }

  /** Seconds. */
  async #write(from: number, upTo: number): Promise<number> {
    const numbers = Array.from({ length: upTo - from }, (_, index) => from + index).values();
    const start = performance.now();
    await Promise.all(
      Array.from({ length: filesAtOnce }, async () => {
        for (const number of numbers) {
          const body = `file ${number} `.repeat(100 + (number % 200));
          const made = await fetch(`${this.#folder}${number}.txt`, { method: 'PUT', headers: this.#headers, body });
          if (!made.ok) throw new Error(`the drive refused a file: ${made.status}`);
          await made.arrayBuffer();
        }
      }),
    );
    return (performance.now() - start) / 1000;
  }

  /** Seconds, the median of several. */
  async #list(count: number): Promise<number> {
    const seconds: number[] = [];
    for (let run = 0; run < runsOfList; run++) {
      const began = performance.now();
      const headers = { ...this.#headers, Depth: '1' };
      const answer = await fetch(this.#folder, { method: 'PROPFIND', headers });
      const { length } = (await answer.text()).split('<D:response>');
      if (length !== count + 2) throw new Error(`the drive lists ${length - 2} of ${count} files`);
      seconds.push((performance.now() - began) / 1000);
    }
    return median(seconds);
  }
}
