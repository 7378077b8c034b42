/** `npm run pictures`: screenshots of running peers for the README. Needs a Chromium. */
import { randomBytes } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { argumentsOf } from '../../simulation/command-line.ts';
import { BrowserFixture, type View } from '../browser/browser-fixture.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import { root } from '../results.ts';

argumentsOf('usage: npm run pictures\ntakes the pictures of the README from peers that really run', {});

const folder = path.join(root, 'docs/pictures');
const maxBytes = 80_000;
const wide: View = { width: 1000, height: 490, scheme: 'light' };
/** Arcs and curves take the most bytes. */
const small: View = { width: 800, height: 440, scheme: 'light' };
const settleMilliseconds = 60_000;

/** Kilobytes of each. */
const put = { 'summer at the lake.mp4': 6200, 'summer trip, costs.xlsx': 48, 'field notes.pdf': 910 } as const;
const shared = {
  'songs/01 summer light.flac': 2400,
  'songs/02 the end of summer.flac': 3100,
  'summer school, day 1.pptx': 730,
} as const;

await using network = await NetworkFixture.open();
await using browser = await BrowserFixture.open();
const peers: PeerProcess[] = [];
for (const name of ['anna', 'attic', 'ben', 'office', 'studio']) {
  const [founder] = peers;
  const flags = ['--name', name];
  peers.push(await network.start(founder === undefined ? { flags } : { flags, join: founder }));
}
const [first, second, third] = peers as [PeerProcess, PeerProcess, PeerProcess];
await until('one ring', () => network.isIdeal(peers), settleMilliseconds);
for (const file of await write('put', put)) await network.command(['put', file], first);
await write('shared', shared);
await network.command(['share', path.join(network.folder, 'shared')], second);
await mkdir(folder, { recursive: true });

const search = await browser.page(await third.pageLink(), wide);
await until(
  'all is found',
  async () => {
    await search.goto(`${third.apiUrl}/?q=summer`);
    await search.getByText(/\b\d+ files?$/).waitFor();
    return (await search.getByText('5 files').count()) === 1;
  },
  settleMilliseconds,
);
await shoot('search', search);

const ring = await browser.page(await third.pageLink(`/ring?file=${encodeURIComponent('field notes.pdf')}`), small);
await ring.getByText(/blocks? in 3 copies/).waitFor();
await ring.locator('svg.ring .replica').first().waitFor();
await shoot('ring', ring);

const stats = await browser.page(await third.pageLink('/health'), { ...wide, height: 700 });
for (const word of ['notes', 'school', '*.flac']) {
  await network.command(['search', ...(word.startsWith('*') ? ['--broadcast'] : []), word], third);
}
await network.command(['get', 'summer at the lake.mp4', '-o', 'copy.mp4'], third);
await until(
  'rates are drawn',
  async () => {
    const drawn = await stats.locator('.plot path.tone-0').first().getAttribute('d');
    return (drawn ?? '').split('L').length >= 4;
  },
  settleMilliseconds,
);
await stats.getByRole('row').filter({ hasText: '*.flac' }).first().waitFor();
await shoot('stats', stats);

async function write(under: string, files: Readonly<Record<string, number>>): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [name, kilobytes] of Object.entries(files)) {
    const file = path.join(network.folder, under, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, randomBytes(kilobytes * 1000));
    written.push(file);
  }
  return written;
}

async function shoot(name: string, page: Awaited<ReturnType<BrowserFixture['page']>>): Promise<void> {
  const file = path.join(folder, `${name}.png`);
  await page.screenshot({ path: file });
  const { size } = await stat(file);
  if (size > maxBytes) throw new Error(`${file} has ${size} bytes, more than ${maxBytes}. Show less in it.`);
  console.log(`${path.relative(root, file)}: ${Math.round(size / 1000)} kB`);
}
