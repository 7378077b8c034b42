/** The page in a real browser, on real peers. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

const views = [
  '/',
  '/?q=file',
  '/?q=zebra',
  '/files',
  '/shares',
  '/transfers',
  '/people',
  '/ring',
  '/health',
  '/settings',
] as const;

test('A19 A20 A25 B6 a file is put by the page of one peer, found and fetched by the page of another, which shows the query', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peers = await network.startRing(3);
  const bytes = randomBytes(3 * 1024 * 1024 + 17);
  const file = path.join(network.folder, 'summer photo.bin');
  await writeFile(file, bytes);

  const here = await browser.page(await peers[0]!.pageLink('/files'));
  await here.setInputFiles('input[type=file]', file);
  await here.getByText(/^Put: 3\.15 MB in [23] copies$/).waitFor();
  await here.getByRole('link', { name: 'summer photo.bin' }).waitFor();

  const there = await browser.page(await peers[2]!.pageLink('/'), phone);
  const hit = there.getByRole('table', { name: 'Hits' }).getByRole('row').filter({ hasText: 'summer photo.bin' });
  await until('the search finds it', async () => {
    await there.getByRole('searchbox').fill('summer');
    await there.getByRole('button', { name: 'Search' }).click();
    await there.getByText(/\b\d+ files?$|^Nothing found/).waitFor();
    if ((await hit.count()) === 1) return true;
    // Asked before the index was written: the same words are asked again only by another way through the page.
    await there.goto(`${peers[2]!.apiUrl}/`);
    return false;
  });
  const found = (await hit.textContent()) ?? '';
  const sha256 = hash(bytes);
  const others = (await peers[2]!.json<{ peers: { id: string; name: string }[] }>('/api/v1/peers')).peers;
  const publisher = others.find(({ id }) => id === peers[0]!.ready.id)?.name;
  for (const shown of ['3.15 MB', `${publisher}`])
    assert.equal(found.includes(shown), true, `${shown} is not in “${found}”`);
  await choose(there, 'summer photo.bin', 'Details');
  const details = there.getByRole('dialog', { name: 'summer photo.bin' });
  await details.getByText(sha256).waitFor();
  await details.getByRole('heading', { name: /^On the ring: [23] copies/ }).waitFor();
  assert.deepEqual(await accessibilityFaults(there), []);
  await details.getByRole('button', { name: 'Close' }).click();
  const downloading = there.waitForEvent('download');
  await choose(there, 'summer photo.bin', 'Download');
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'summer photo.bin');
  assert.deepEqual(hash(await readFile(await download.path())), sha256);

  await there.goto(`${peers[2]!.apiUrl}/health`);
  const asked = there.getByRole('row').filter({ hasText: /^summerasked.*1$/ });
  await asked.first().waitFor({ timeout: 30_000 });

  await choose(here, 'summer photo.bin', 'Remove');
  const note = here.getByText('summer photo.bin is being removed.');
  await here.getByRole('button', { name: 'Undo' }).click();
  await note.waitFor({ state: 'detached' });
  assert.equal((await peers[0]!.request('/api/v1/files/summer%20photo.bin')).status, 200);
  await choose(here, 'summer photo.bin', 'Remove');
  await note.waitFor();
  await here.getByText('You have put no files into the network yet.').waitFor();

  await here.getByRole('checkbox', { name: 'Sealed' }).check();
  await here.getByText('Only this peer can read what is put').waitFor();
  await here.setInputFiles('input[type=file]', file);
  const sealed = here.getByRole('table').getByRole('row').filter({ hasText: 'summer photo.bin' });
  await sealed.getByText('sealed').waitFor();
  const opened = here.waitForEvent('download');
  await choose(here, 'summer photo.bin', 'Download');
  assert.deepEqual(hash(await readFile(await (await opened).path())), sha256);
  assert.equal((await peers[2]!.request('/api/v1/files/summer%20photo.bin')).status, 404);
});

test('A22 B6 a paused large upload resumes after the page is closed and the peer restarts', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  const bytes = randomBytes(150 * 1024 * 1024);
  const file = path.join(network.folder, 'big.bin');
  await writeFile(file, bytes);
  const before = await browser.page(await peer.pageLink('/files'));
  await before.setInputFiles('input[type=file]', file);
  // A chunk is 64 MiB: bytes of the second one may be lost by the pause, the first one not.
  await until('a first piece has arrived', async () => (await offsets(before)).some((sent) => sent > 0.5), 60_000);
  await before.getByRole('button', { name: 'Pause' }).click();
  await before.getByText(/^Paused at/).waitFor();
  await peer.kill9();
  await network.restart(peer);
  await before.reload();
  const sent: number[] = [];
  before.on('request', (request) => {
    if (request.method() === 'PATCH') sent.push(Number(request.headers()['upload-offset']));
  });
  await before.setInputFiles('input[type=file]', file);
  await before.getByText(/^Put: 157 MB/).waitFor({ timeout: 120_000 });
  assert.equal(Math.min(...sent) >= 64 * 1024 * 1024, true, `sent again from ${sent}`);
  const got = await peer.request('/api/v1/files/big.bin');
  assert.deepEqual(hash(Buffer.from(await got.arrayBuffer())), hash(bytes));
});

test('C3 the page without a link says how to get one; a link opens it once and leaves no trace in the address', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  await peer.request('/api/v1/files/a%20file.txt', { method: 'PUT', body: 'hello' });
  for (const view of [desktop, phone, { ...desktop, scheme: 'dark' }, { ...phone, scheme: 'light' }] as const) {
    const page = await browser.page(`${peer.apiUrl}/files`, view);
    await page.getByRole('heading', { name: 'This page needs a link of its peer' }).waitFor();
    assert.equal(await page.getByText('a file.txt').count(), 0);
    assert.deepEqual(await accessibilityFaults(page), []);
    const link = await peer.pageLink('/files');
    await page.getByLabel('A link, or the token of the peer').fill(link);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('link', { name: 'a file.txt' }).waitFor();
    assert.equal(new URL(page.url()).hash, '');
    const downloading = page.waitForEvent('download');
    await choose(page, 'a file.txt', 'Download');
    assert.equal(await readFile(await (await downloading).path(), 'utf8'), 'hello');
    const late = await browser.page(link, view);
    await late.getByRole('alert').filter({ hasText: 'chordial open' }).waitFor();
  }
});

test('B6 every view is accessible, light and dark, wide and narrow, and usable by keyboard', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const [peer, other] = (await network.startRing(2)) as [Peer, Peer];
  await peer.request('/api/v1/files/a%20file.txt', { method: 'PUT', body: 'hello' });
  const folder = path.join(network.folder, 'songs');
  await mkdir(path.join(folder, 'summer'), { recursive: true });
  await writeFile(path.join(folder, 'summer', 'one of many.mp3'), 'la la');
  await other.request('/api/v1/shares', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ path: folder, key: await other.key() }),
  });
  const put = await network.command(['put', folder, '--json'], peer);
  const { cid } = JSON.parse(put.text) as { readonly cid: string };
  const browsed = `/?peer=${other.ready.id}`;
  const inFolder = `/?folder=${cid}&name=songs`;
  for (const view of [desktop, phone]) {
    const page = await browser.page(await peer.pageLink(), view);
    for (const place of [...views, browsed, inFolder]) {
      await page.goto(`${peer.apiUrl}${place}`);
      await page.locator('main').waitFor();
      await until('something is shown', async () => ((await page.locator('main').textContent()) ?? '').length > 12);
      assert.deepEqual(await accessibilityFaults(page), [], `${place} ${view.scheme}`);
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.equal(Number(wider) <= 0, true, `${place} is ${wider} pixels wider than the window`);
    }
  }
  const page = await browser.page(await peer.pageLink());
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/files');
  await page.getByRole('link', { name: 'a file.txt' }).waitFor();
});

test('B11 the limit is shown and changed on the page of transfers', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  const page = await browser.page(await peer.pageLink('/transfers'));
  await page.getByText('Limit: off').click();
  const set = page.getByRole('button', { name: 'Set', exact: true });
  await page.getByRole('combobox', { name: 'Limit' }).selectOption('rate');
  await page.getByRole('textbox', { name: 'Up' }).fill('512');
  await page.getByLabel('Up, unit').selectOption('K');
  await page.getByRole('textbox', { name: 'Down' }).fill('2');
  await set.click();
  await page.getByText(/^Limit: 512 KiB\/s up, 2 MiB\/s down, until .* then off$/).waitFor();
  await page.getByRole('textbox', { name: 'Up' }).fill('0');
  await set.click();
  await page.getByRole('alert').filter({ hasText: '"stop"' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'End it now' }).click();
  await page.getByText('Limit: off').waitFor();
});

/** From the menu of a row. */
async function choose(page: Page, name: string, action: string): Promise<void> {
  await page.getByRole('button', { name: `Actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: action }).click();
}

type Page = Awaited<ReturnType<BrowserFixture['page']>>;
type Peer = Awaited<ReturnType<NetworkFixture['start']>>;

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function offsets(page: Awaited<ReturnType<BrowserFixture['page']>>): Promise<readonly number[]> {
  const bars = await page.locator('progress').all();
  return Promise.all(bars.map(async (bar) => Number(await bar.getAttribute('value'))));
}
