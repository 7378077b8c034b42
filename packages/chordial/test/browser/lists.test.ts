/** Long lists of files: sorted, filtered, selected; several saved as one ZIP, removed, and that undone. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';
import { png } from './samples.ts';

test('A20 A25 files are sorted and filtered by the URL, selected by keyboard, saved as a ZIP, and removed with a way back', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const [peer, other] = (await network.startRing(2)) as [Peer, Peer];
  const put = (name: string, body: string | Uint8Array<ArrayBuffer>, by = peer) =>
    by.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body });
  for (const [name, text] of [
    ['song 10.mp3', 'a'.repeat(3000)],
    ['song 2.mp3', 'b'.repeat(2000)],
    ['letter.txt', 'c'.repeat(1000)],
  ] as const)
    await put(name, text);
  await put('square.png', png(64, 64));
  await put('the same letter.txt', 'c'.repeat(1000), other);

  const page = await browser.page(await peer.pageLink('/files'), desktop);
  const names = async () => page.locator('tbody td.name a').allTextContents();
  const shows = (expected: string) => until(expected, async () => (await names()).join() === expected);
  await shows('letter.txt,song 2.mp3,song 10.mp3,square.png');
  await page.locator('canvas.thumbnail').waitFor();
  await page.getByRole('button', { name: 'Size' }).click();
  await shows('song 10.mp3,song 2.mp3,letter.txt,square.png');
  await page.getByRole('button', { name: /^Audio 2/ }).click();
  await shows('song 10.mp3,song 2.mp3');
  await page.getByText('2 of 4 files').waitFor();
  assert.equal(new URL(page.url()).search, '?sort=size&desc=1&kind=audio');
  await page.reload();
  await shows('song 10.mp3,song 2.mp3');
  await page.goBack();
  await shows('song 10.mp3,song 2.mp3,letter.txt,square.png');
  await page.getByRole('button', { name: 'Copies' }).click();
  await until('sorted by copies', async () => (await names()).length === 4);
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('Size').selectOption('above 1 GB');
  await page.getByText('0 of 4 files').waitFor();
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.getByText('4 files').waitFor();

  await page.goto(`${peer.apiUrl}/files?kind=audio`);
  await shows('song 2.mp3,song 10.mp3');
  await page.getByRole('link', { name: 'song 2.mp3' }).focus();
  await page.keyboard.press(' ');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('2 selected').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.keyboard.press('Escape');
  await page.getByText('2 selected').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+a');
  await page.getByText('2 selected').waitFor();
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download as ZIP' }).click();
  const saved = await saving;
  assert.equal(saved.suggestedFilename(), '2 files.zip');
  // Its files are stored as they are.
  const zip = await readFile(await saved.path());
  for (const part of ['song 2.mp3', 'b'.repeat(2000), 'song 10.mp3', 'a'.repeat(3000)]) assert.ok(zip.includes(part));

  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Remove' }).click();
  await page.getByText('2 files are being removed.').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('2 files are being removed.').waitFor({ state: 'detached' });
  assert.equal((await peer.request('/api/v1/files/song%202.mp3')).status, 200);
  await page.keyboard.press('Control+a');
  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Remove' }).click();
  await page.getByText('2 files are being removed.').waitFor();
  // The peer carries it out without the page.
  await page.context().close();
  await until('both are gone', async () => (await peer.request('/api/v1/files/song%2010.mp3')).status === 404);
  assert.equal((await peer.request('/api/v1/files/song%202.mp3')).status, 404);

  const small = await browser.page(await peer.pageLink('/'), phone);
  const rows = small.getByRole('table').getByRole('row').filter({ hasText: 'letter.txt' });
  await until('one row for what two have put', async () => {
    await small.goto(`${peer.apiUrl}/?sort=date&desc=1`);
    await rows.first().waitFor();
    return (await rows.count()) === 1;
  });
  await open(small, 'Details');
  await small.getByRole('dialog').getByText('as the same letter.txt').waitFor();
  assert.deepEqual(await accessibilityFaults(small), []);
  await small.keyboard.press('Escape');
  await small.getByRole('combobox', { name: 'Order' }).selectOption('Name, A to Z');
  await small.waitForURL(`${peer.apiUrl}/`);
  assert.deepEqual(await accessibilityFaults(small), []);
});

test('A25 what others only share is sent by a link, and copies of it are put here, which stay when they are away', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const [peer, other] = (await network.startRing(2)) as [Peer, Peer];
  await mkdir(path.join(network.folder, 'shared'));
  for (const name of ['fjord one.txt', 'fjord two.txt'])
    await writeFile(path.join(network.folder, 'shared', name), `${name} ${'x'.repeat(300_000)}`);
  const share = {
    method: 'POST',
    body: JSON.stringify({ path: path.join(network.folder, 'shared'), key: await other.key() }),
  };
  await other.request('/api/v1/shares', { ...share, headers: { 'Content-Type': 'application/json' } });
  const page = await browser.page(await peer.pageLink('/'), desktop);
  const row = page.getByRole('row').filter({ hasText: 'fjord one.txt' });
  await until('it is found', async () => {
    await page.goto(`${peer.apiUrl}/?q=fjord`);
    await row
      .or(page.getByText(/^Nothing found/))
      .first()
      .waitFor();
    return (await row.count()) === 1;
  });
  await page.getByRole('button', { name: 'Actions for fjord one.txt' }).click();
  await page.getByRole('menuitem', { name: 'Send a link…' }).waitFor();
  await page.getByRole('menuitem', { name: 'Put copies here' }).click();
  await page.getByText('fjord one.txt is one of your files now.').waitFor();
  await page.getByRole('link', { name: 'fjord two.txt' }).focus();
  await page.keyboard.press(' ');
  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Put copies here' }).click();
  await page.getByText('fjord two.txt is one of your files now.').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  const mine = await peer.request('/api/v1/files/taken.txt', { method: 'PUT', body: 'mine' });
  assert.equal(mine.status, 201);
  const { cid } = await peer.json<{ cid: string }>('/api/v1/files/fjord%20one.txt/stat');
  const taken = {
    method: 'POST',
    body: JSON.stringify({ name: 'taken.txt' }),
    headers: { 'Content-Type': 'application/json' },
  };
  assert.equal((await peer.request(`/api/v1/content/${cid}/put`, taken)).status, 409);
  assert.equal(await (await peer.request('/api/v1/files/taken.txt')).text(), 'mine');
  await other.kill9();
  for (const name of ['fjord one.txt', 'fjord two.txt']) {
    const answer = await peer.request(`/api/v1/files/${encodeURIComponent(name)}`);
    assert.equal(await answer.text(), `${name} ${'x'.repeat(300_000)}`);
  }
});

test('B6 what a peer says of itself, and why something failed, is in the language of the page', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const [peer, other] = (await network.startRing(2)) as [Peer, Peer];
  await other.request('/api/v1/files/brief.txt', { method: 'PUT', body: 'Guten Tag' });
  const page = await browser.page(await peer.pageLink('/'), desktop);
  await page.evaluate(`localStorage.setItem('language', 'de')`);
  await page.goto(`${peer.apiUrl}/health`);
  await page.getByRole('heading', { name: 'Prüfungen' }).waitFor();
  await page.getByText('Nur Peers auf diesem Rechner erreichen ihn.').waitFor();
  const inEnglish = () => page.locator('main [lang="en"]').allTextContents();
  assert.deepEqual(await inEnglish(), []);
  await page.goto(`${peer.apiUrl}/ring`);
  await page.getByText('Dieser Peer ist Mitglied des Rings').waitFor();
  await other.kill9();
  await page.getByText(/ist nicht mehr erreichbar$/).waitFor({ timeout: 60_000 });
  assert.deepEqual(await inEnglish(), []);
  await page.goto(`${peer.apiUrl}/shares`);
  await page.getByLabel('Ordner auf dem Rechner dieses Peers').fill('/nowhere at all');
  await page.getByRole('button', { name: 'Freigeben', exact: true }).click();
  await page
    .getByRole('alert')
    .getByText(/^(Das gibt es nicht|Der Peer kann die Datei)/)
    .waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
});

type Peer = Awaited<ReturnType<NetworkFixture['start']>>;

/** From the menu of the last row with a letter. */
async function open(page: Page, action: string): Promise<void> {
  await page.getByRole('button', { name: /^Actions for .*letter\.txt$/ }).click();
  await page.getByRole('menuitem', { name: action }).click();
}
