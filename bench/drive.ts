/** The drive (WebDAV) against put and get of the same peer, and rclone through it beside rclone through a drive of nginx. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { NetworkFixture } from '../packages/chordial/test/end-to-end/network-fixture.ts';
import { alternate, type Contender, median, type Samples, threeDigits } from './alternating.ts';
import { timedGet, timedPut } from './chordial-transfer.ts';
import { makeRandomFile, mebibyte } from './random-file.ts';
import { Nginx } from './rivals/nginx.ts';
import { debian, needPackages, runProgram, timedProgram } from './rivals/program.ts';
import { type BenchOptions, type BenchRow, row, verdict } from './row.ts';

const minOfTransfer = 0.5;
const listed = 10_000;
const maxListSeconds = 0.5;
const filesAtOnce = 32;

export async function drive(options: BenchOptions): Promise<readonly BenchRow[]> {
  const { isQuick, note } = options;
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
    return Object.entries(ways).map(([name, act]) => ({ name, measure: (run) => fresh(act, run) }));
  };
  await makeRandomFile(file, bytes);
  const rows: BenchRow[] = [];
  for (const way of ['write', 'read'] as const)
    rows.push(...rowsOf(way, bytes, await alternate(contenders(way), options)));
  rows.push(await list(url, password, isQuick ? listed / 10 : listed));
  return rows;
}

function rowsOf(way: 'write' | 'read', bytes: number, samples: readonly Samples[]): readonly BenchRow[] {
  const rate = (name: string): number | null => {
    const found = samples.find((one) => one.name === name);
    return found === undefined ? null : bytes / 1e6 / found.median;
  };
  const shown = (value: number | null): string => (value === null ? 'not measured' : `${threeDigits(value)} MB/s`);
  const other = way === 'write' ? 'put' : 'get';
  const pairs = [
    ['drive', other, minOfTransfer],
    ['rclone, drive', 'rclone, nginx', null],
  ] as const;
  return pairs.map(([ours, theirs, least]) => {
    const [own, rival] = [rate(ours), rate(theirs)];
    const ratio = own === null || rival === null ? null : own / rival;
    return row(`${way} of ${Math.round(bytes / mebibyte)} MiB, ${ours}`, shown(own), {
      rival: `${theirs} ${shown(rival)}`,
      ratio: ratio === null ? '' : ratio.toFixed(2),
      ...(least === null || ratio === null ? {} : { target: `≥ ${least} ×`, verdict: verdict(ratio >= least) }),
    });
  });
}

async function list(url: string, password: string, count: number): Promise<BenchRow> {
  const headers = { Authorization: `Basic ${Buffer.from(`chordial:${password}`).toString('base64')}` };
  await fetch(`${url}mine/many`, { method: 'MKCOL', headers });
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: filesAtOnce }, async () => {
      for (const number of numbers) {
        const made = await fetch(`${url}mine/many/${number}.txt`, { method: 'PUT', headers, body: `file ${number}` });
        if (!made.ok) throw new Error(`the drive refused a file: ${made.status}`);
        await made.arrayBuffer();
      }
    }),
  );
  const perSecond = count / ((performance.now() - start) / 1000);
  const seconds: number[] = [];
  for (let run = 0; run < 5; run++) {
    const began = performance.now();
    const answer = await fetch(`${url}mine/many/`, { method: 'PROPFIND', headers: { ...headers, Depth: '1' } });
    const { length } = (await answer.text()).split('<D:response>');
    if (length !== count + 2) throw new Error(`the drive lists ${length - 2} of ${count} files`);
    seconds.push((performance.now() - began) / 1000);
  }
  const taken = median(seconds);
  return row(`PROPFIND of ${count} entries`, `${threeDigits(taken)} s`, {
    rival: `${threeDigits(perSecond)} small files a second written before`,
    target: `≤ ${maxListSeconds} s`,
    verdict: verdict(taken <= maxListSeconds),
  });
}
