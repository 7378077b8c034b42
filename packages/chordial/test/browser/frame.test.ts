/** What the page takes in every view: files and folders dropped, pasted, shared by another program; and its language. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

test('B6 files and folders are dropped, pasted and shared into any view, and their progress follows the reader', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  const folder = path.join(network.folder, 'album');
  await mkdir(path.join(folder, 'inner', 'empty'), { recursive: true });
  await writeFile(path.join(folder, 'inner', 'one.txt'), 'within');
  await writeFile(path.join(folder, '.hidden'), 'not put');
  const file = path.join(network.folder, 'a note.txt');
  await writeFile(file, 'dropped');
  const page = await browser.page(await peer.pageLink('/ring'), desktop);
  const tray = page.getByRole('region', { name: 'Uploads' });

  await drop(page, [file, folder], { x: 200, y: 400 });
  await tray.getByText('Put: 7 B').waitFor();
  await tray.getByText('Put: 6 B').waitFor();
  assert.equal(await bodyOf(peer, 'a%20note.txt'), 'dropped');
  assert.equal(await bodyOf(peer, 'album?path=inner/one.txt'), 'within');
  assert.equal((await peer.request('/api/v1/files/album?path=.hidden')).status, 404);
  const empty = await peer.json<{ entries: readonly unknown[] }>('/api/v1/files/album?path=inner/empty');
  assert.deepEqual(empty.entries, []);

  await page.getByRole('link', { name: 'People' }).click();
  await tray.getByText('2 items put').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await tray.getByRole('button', { name: 'Clear all that are done' }).click();
  await tray.waitFor({ state: 'detached' });

  await drop(page, [file], { x: 1000, y: 400 });
  await tray.getByText('Put: 7 B').waitFor();
  const sealed = await peer.json<{ files: { name: string; sealed: unknown }[] }>('/api/v1/files');
  assert.notEqual(sealed.files.find(({ name }) => name === 'a note.txt')?.sealed ?? null, null);

  await page.evaluate(`{
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(['pasted'], 'from the clipboard.txt'));
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }`);
  const question = page.getByRole('dialog', { name: 'Put this into the network?' });
  await question.getByText('from the clipboard.txt').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await question.getByRole('button', { name: 'Put', exact: true }).press('Enter');
  await tray.getByText('Put: 6 B').waitFor();
  assert.equal(await bodyOf(peer, 'from%20the%20clipboard.txt'), 'pasted');

  const small = await browser.page(await peer.pageLink('/'), phone);
  await small.evaluate(`dispatchEvent(new Event('appinstalled'))`);
  await small.evaluate('navigator.serviceWorker.ready.then(() => null)');
  await small.evaluate(`{
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', action: '/share', enctype: 'multipart/form-data' });
    const input = document.createElement('input');
    Object.assign(input, { type: 'file', name: 'files' });
    const given = new DataTransfer();
    given.items.add(new File(['shared'], 'Ünïcode.txt'));
    input.files = given.files;
    form.append(input);
    document.body.append(form);
    form.submit();
  }`);
  const shared = small.getByRole('dialog', { name: 'Put this into the network?' });
  await shared.getByText('Ünïcode.txt').waitFor();
  assert.equal(new URL(small.url()).search, '');
  assert.equal((await peer.request(`/api/v1/files/${encodeURIComponent('Ünïcode.txt')}`)).status, 404);
  await shared.getByRole('button', { name: 'Put', exact: true }).click();
  await until('it is put', async () => (await bodyOf(peer, encodeURIComponent('Ünïcode.txt'))) === 'shared');
  await small.reload();
  await small.getByRole('link', { name: 'Ünïcode.txt' }).waitFor();
  assert.equal(await shared.count(), 0);
});

type Peer = Awaited<ReturnType<NetworkFixture['start']>>;

async function bodyOf(peer: Peer, route: string): Promise<string> {
  return (await peer.request(`/api/v1/files/${route}`)).text();
}

/** As from a file manager: entries of the disk, at this place of the window. */
async function drop(page: Page, files: readonly string[], place: { readonly x: number; readonly y: number }) {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [...files], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...place, data });
  await page.getByText('Drop here to put sealed').waitFor();
  for (const type of ['dragOver', 'drop'] as const)
    await session.send('Input.dispatchDragEvent', { type, ...place, data });
  await session.detach();
}
