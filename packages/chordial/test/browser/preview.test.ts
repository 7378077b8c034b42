/** The preview pane: real media of hostile and honest kinds, by mouse and keyboard, at a desk and on a phone. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import type { FolderPage } from '../../src/client/answers.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';
import { film, pdf, png, wave } from './samples.ts';

const source = '<!doctype html><script>document.title = "ran"</script><h1>Title</h1>';

test('contents are shown by what they are and nothing of them runs; folders are trees', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  await showContents(browser, peer);
  await openFolders(browser, peer, network);
});

test('who knows no word looks through kinds, what others share too; a sharer that is away is named', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const [first, second] = (await network.startRing(2)) as [Peer, Peer];
  const folder = path.join(network.folder, 'shared');
  await mkdir(folder);
  const page = await browser.page(await first.pageLink('/'));
  await writeFile(path.join(folder, 'At the lake.webm'), Uint8Array.from(await film(page)));
  await second.request('/api/v1/shares', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ path: folder, key: await second.key() }),
  });
  const hit = page.getByRole('link', { name: 'At the lake.webm' });
  await until('it is found', async () => {
    await page.goto(`${first.apiUrl}/?q=video`);
    await page.getByText('Nothing found for “video”.').waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.getByRole('link', { name: 'Videos' }).click();
    await page.getByText(/\b\d+ files?$|^Nothing found/).waitFor();
    return (await hit.count()) === 1;
  });
  await page.getByRole('link', { name: 'Shares' }).click();
  await page.getByRole('link', { name: 'See what others share' }).click();
  await hit.waitFor();
  const { peers } = await first.json<{ peers: { name: string }[] }>('/api/v1/peers');
  await second.kill9();
  await hit.click();
  await page.getByText(`This file is only on the disk of ${peers[0]?.name}`).waitFor({ timeout: 30_000 });
});

type Peer = Awaited<ReturnType<NetworkFixture['start']>>;

async function showContents(browser: BrowserFixture, peer: Peer): Promise<void> {
  const put = async (name: string, body: string | Uint8Array<ArrayBuffer>, more = ''): Promise<void> => {
    const { status } = await peer.request(`/api/v1/files/${encodeURIComponent(name)}${more}`, { method: 'PUT', body });
    assert.equal(status, 201);
  };
  const page = await browser.page(await peer.pageLink('/files'));
  await put('1 picture.png', png(60, 40));
  await put('2 page.jpg', source);
  await put('3 sound.wav', wave(60));
  await put('4 film.webm', Uint8Array.from(await film(page)));
  await put('5 paper.pdf', pdf());
  await put('6 bomb.png', Uint8Array.from([...png(1, 1).slice(0, 16), 0, 1, 0, 0, 0, 1, 0, 0, ...png(1, 1).slice(24)]));
  await put('7 archive.zip', Uint8Array.from([0x50, 0x4b, 3, 4, 0]));
  await put('8 secret.png', png(30, 20), '?sealed=true');

  const row = page.getByRole('link', { name: '1 picture.png' });
  await row.focus();
  await page.keyboard.press('Enter');
  const pane = page.getByRole('dialog', { name: '1 picture.png' });
  await pane.waitFor();
  await until('the picture is drawn', () =>
    isTrue(page, 'document.querySelector(".preview img")?.naturalWidth === 60'),
  );
  await pane.getByText('image/png · 60 × 40').waitFor();
  await pane.getByText(/^1 copy, at /).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);

  await page.keyboard.press('ArrowRight');
  await page.getByRole('dialog', { name: '2 page.jpg' }).waitFor();
  await page.getByRole('region', { name: 'Text' }).getByText(source).waitFor();
  assert.notEqual(await page.title(), 'ran');
  assert.equal(await page.locator('.preview h1').count(), 0);

  await page.keyboard.press('ArrowRight');
  await until('a sound of a minute', () => isTrue(page, 'document.querySelector("audio")?.duration === 60'));
  await page.evaluate('document.querySelector("audio").currentTime = 50');
  await until('it goes there', () => isTrue(page, 'document.querySelector("audio").currentTime === 50'));

  // Its bytes come late.
  const arrived = Promise.withResolvers<void>();
  await page.route('**/bytes', async (route) => {
    await arrived.promise;
    await route.continue();
  });
  await page.keyboard.press('ArrowRight');
  await page.getByText('Waiting for its bytes…').waitFor();
  arrived.resolve();
  await until('a film', () => isTrue(page, 'document.querySelector("video")?.videoWidth === 64'));

  await page.keyboard.press('ArrowRight');
  await until('a viewer of PDF', async () =>
    page.frames().some((frame) => frame.url().startsWith('chrome-extension:')),
  );

  await page.keyboard.press('ArrowRight');
  await page.getByText(/^It has so many pixels/).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByText(/^There is no preview of this kind/).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Download' }).click();
  assert.equal((await downloading).suggestedFilename(), '7 archive.zip');

  await page.keyboard.press('ArrowRight');
  await until('what is sealed', () => isTrue(page, 'document.querySelector(".preview img")?.naturalWidth === 30'));
  assert.equal(await page.getByRole('button', { name: 'Next file' }).isDisabled(), true);

  await page.keyboard.press('Escape');
  await page.locator('.preview').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate('document.activeElement.textContent'), '8 secret.png');
  assert.equal(new URL(page.url()).search, '');
  await page.goForward();
  await page.getByRole('dialog', { name: '8 secret.png' }).waitFor();

  const small = await browser.page(page.url(), phone);
  await small.goto(await peer.pageLink('/files'));
  await small.getByRole('link', { name: '1 picture.png' }).click();
  await small.getByRole('dialog', { name: '1 picture.png' }).waitFor();
  assert.deepEqual(await accessibilityFaults(small), []);
  await small.getByRole('button', { name: 'Next file' }).click();
  await small.getByRole('dialog', { name: '2 page.jpg' }).waitFor();
  await small.goBack();
  await small.locator('.preview').waitFor({ state: 'detached' });
}

async function openFolders(browser: BrowserFixture, peer: Peer, network: NetworkFixture): Promise<void> {
  const folder = path.join(network.folder, 'trip');
  await mkdir(path.join(folder, 'day 10', 'evening'), { recursive: true });
  await mkdir(path.join(folder, 'day 9'));
  await writeFile(path.join(folder, 'day 10', 'evening', 'song.txt'), 'la la');
  await writeFile(path.join(folder, 'day 9', 'note.txt'), 'It rained.');
  const put = await network.command(['put', folder, '--json'], peer);
  const { cid } = JSON.parse(put.text) as { readonly cid: string };
  for (const view of [desktop, phone]) {
    const page = await browser.page(await peer.pageLink(), view);
    await page.goto(`${peer.apiUrl}/?folder=${cid}&name=trip`);
    const tree = page.getByRole('tree', { name: 'Files in trip' });
    const names = async () =>
      (await tree.getByRole('treeitem').allTextContents()).map((text) => text.replace(/\d[\d.]* \w?B$/, ''));
    await until('both', async () => (await names()).join() === 'day 9,day 10');
    await tree.focus();
    for (const key of ['d', 'ArrowRight']) await page.keyboard.press(key);
    await until('it is open', async () => (await names()).join() === 'day 9,day 10,evening');
    for (const key of ['ArrowRight', 'Enter']) await page.keyboard.press(key);
    await until('all is open', async () => (await names()).join() === 'day 9,day 10,evening,song.txt');
    const song = tree.getByRole('treeitem', { name: 'song.txt' });
    assert.equal(await song.getAttribute('aria-level'), '3');
    for (const key of ['ArrowRight', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('region', { name: 'Text' }).getByText('la la').waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.keyboard.press('Escape');
    await page.locator('.preview').waitFor({ state: 'detached' });
    assert.equal(await page.evaluate('document.activeElement.role'), 'tree');
    for (const key of ['ArrowLeft', 'ArrowLeft']) await page.keyboard.press(key);
    await until('it is closed', async () => (await names()).join() === 'day 9,day 10,evening');
    await tree.getByText('day 9').click();
    await tree.getByRole('link', { name: 'note.txt' }).click();
    await page.getByRole('region', { name: 'Text' }).getByText('It rained.').waitFor();
  }
  // A made-up folder: the page is under test, and putting so many files would take minutes.
  const page = await browser.page(await peer.pageLink());
  await page.route(`**/api/v1/content/${cid}/entries?**`, (route) =>
    route.fulfill({ json: madeUpEntries(Number(new URL(route.request().url()).searchParams.get('page'))) }),
  );
  await page.goto(`${peer.apiUrl}/?folder=${cid}&name=large`);
  const tree = page.getByRole('tree');
  await tree.getByRole('treeitem', { name: 'file 0' }).first().waitFor();
  await tree.focus();
  await page.keyboard.press('End');
  await tree.getByRole('treeitem', { name: `file ${madeUp - 1}` }).waitFor();
  assert.equal((await tree.getByRole('treeitem').count()) < 100, true, 'only rows in sight are drawn');
}

const madeUp = 10_000;

function madeUpEntries(page: number): FolderPage {
  const entries = Array.from({ length: 200 }, (_, place) => {
    const index = (page - 1) * 200 + place;
    return { name: `file ${index}`, cid: `bafy${index}`, size: index, type: 'file' as const, kind: 'other' as const };
  });
  return { entries, count: madeUp, page, pages: madeUp / 200 };
}

function isTrue(page: Page, expression: string): Promise<boolean> {
  return page.evaluate(`(${expression}) === true`);
}
