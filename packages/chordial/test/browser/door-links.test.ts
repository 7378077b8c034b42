/** The pages of links in a real browser, at a door over a peer without a ring. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { cidOfBlock, parseCid, rawCodec } from '../../src/content/cid.ts';
import { sealWhole } from '../../src/content/sealed.ts';
import { newSeal } from '../../src/content/sealed-header.ts';
import { startDoor } from '../../src/door/door.ts';
import { linkService } from '../../src/door/links/link-routes.ts';
import type { LinkWish } from '../../src/links/links.ts';
import { SmallPeer } from '../fixtures/small-peer.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone, plainHost } from './browser-fixture.ts';

const day = 86_400_000;

async function openDoor() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
  const peer = await SmallPeer.open(folder);
  const bugs: Error[] = [];
  const listen = { host: '127.0.0.1', port: 0 };
  const door = await startDoor({ listen, services: [linkService], peer: () => peer, onBug: (bug) => bugs.push(bug) });
  const { url } = door.shown();
  return {
    peer,
    url,
    /** The same by a name that is no loopback. */
    plainUrl: url.replace('127.0.0.1', plainHost),
    link: async (name: string, bytes: Uint8Array, more: Partial<LinkWish> = {}) => {
      const { cid, size } = await peer.files.put(name, [bytes] as unknown as AsyncIterable<Uint8Array>);
      const wish = { type: 'file', name, cid: parseCid(cid), size, timeToLive: day, ...more } as const;
      return (await peer.links.createLink(wish)).path;
    },
    [Symbol.asyncDispose]: async () => {
      await door.close();
      await rm(folder, { recursive: true });
      assert.deepEqual(bugs, []);
    },
  };
}

async function checkLook(page: Page): Promise<void> {
  assert.deepEqual(await accessibilityFaults(page), []);
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
}

async function saved(page: Page): Promise<{ readonly name: string; readonly sha256: string }> {
  const downloading = page.waitForEvent('download');
  await page.locator('.actions .button, .actions button').click();
  const download = await downloading;
  return { name: download.suggestedFilename(), sha256: sha256(await readFile(await download.path())) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('B13 a link without script: a text, a password, a folder with its ZIP, and nothing here, on a phone and a desk', async () => {
  await using door = await openDoor();
  await using browser = await BrowserFixture.open();
  const text = Buffer.from('<b>Milk</b> and bread\n'.repeat(200));
  const name = 'a very long name of notes that does not fit on a phone, or does it not, by all means.txt';
  const plain = await door.link(name, text);
  const page = await browser.page(door.url + plain, phone);
  await page.getByText('<b>Milk</b> and bread').waitFor();
  for (const [view, colorScheme] of [
    [desktop, 'light'],
    [desktop, 'dark'],
    [phone, 'light'],
    [phone, 'dark'],
  ] as const) {
    await page.setViewportSize(view);
    await page.emulateMedia({ colorScheme });
    await checkLook(page);
  }
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Download');
  assert.deepEqual(await saved(page), { name, sha256: sha256(text) });

  const secret = await door.link('diary.txt', Buffer.from('dear diary'), { password: 'right' });
  await page.goto(door.url + secret);
  await checkLook(page);
  await page.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByText('This is not the password.').waitFor();
  await checkLook(page);
  await page.getByLabel('Password').fill('right');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'diary.txt' }).waitFor();
  assert.deepEqual(await saved(page), { name: 'diary.txt', sha256: sha256(Buffer.from('dear diary')) });
  await page.reload();
  await page.getByText('dear diary').waitFor();

  const cid = cidOfBlock(rawCodec, Buffer.from('a folder'));
  const entries = Array.from({ length: 450 }, (_, index) => {
    const bytes = Buffer.from(`entry ${index}`);
    return { path: `IMG_${String(index).padStart(4, '0')}.txt`, bytes, cid: cidOfBlock(rawCodec, bytes).toString() };
  });
  door.peer.addFolder('Fjord', cid.toString(), entries);
  const folder = await door.peer.links.createLink({
    type: 'directory',
    name: 'Fjord',
    cid,
    size: 4000,
    timeToLive: day,
  });
  await page.goto(door.url + folder.path);
  await checkLook(page);
  assert.equal(await page.getByRole('listitem').count(), 200);
  const zip = await saved(page);
  assert.equal(zip.name, 'Fjord.zip');
  await page.getByRole('link', { name: 'More' }).click();
  await page.getByText('Page 2 of 3').waitFor();
  await page.getByRole('link', { name: 'IMG_0321.txt' }).click();
  await page.getByText('entry 321').waitFor();
  await page.getByRole('link', { name: 'Fjord' }).click();
  await page.getByText('Page 1 of 3').waitFor();

  await page.goto(`${door.url}/s/aaaaaaaaaaaaaaaa`);
  await page.getByText('There is nothing here').waitFor();
  await checkLook(page);
});

test('B13 B15 a sealed link is opened in the page: streamed by a worker, or in memory by plain HTTP, and nothing that was changed', async () => {
  await using door = await openDoor();
  await using browser = await BrowserFixture.open();
  const content = randomBytes(1024 * 1024 + 17);
  const seal = await newSeal({ recipients: [recipient] });
  const bytes = await sealWhole(content, seal);
  const sealed = { fileKey: seal.fileKey, size: content.length };
  const name = 'tax “2026”.bin';
  const at = await door.link(name, bytes, { sealed });
  const expected = { name, sha256: sha256(content) };

  const secure = await browser.page(door.url + at, phone);
  await secure.getByRole('heading', { name }).waitFor();
  await secure.getByText('1.05 MB').waitFor();
  await checkLook(secure);
  assert.deepEqual(await saved(secure), expected);
  await secure.getByText('The file is complete and unchanged.').waitFor();
  assert.deepEqual(await saved(secure), expected);

  const plain = await browser.page(door.plainUrl + at, desktop);
  await plain.getByText('holds the whole file in memory').waitFor();
  await checkLook(plain);
  assert.deepEqual(await saved(plain), expected);

  for (const wrong of [at.slice(0, -22) + 'A'.repeat(22), at.slice(0, -23), at.slice(0, -1)]) {
    await plain.goto('about:blank');
    await plain.goto(door.plainUrl + wrong);
    await plain.getByText(/The key (?:of this file is missing|in the address is wrong)/).waitFor();
    assert.equal(await plain.getByRole('button').isDisabled(), true);
  }

  const changed = Uint8Array.from(bytes);
  changed[800_000]! ^= 1;
  const failures: (string | null)[] = [];
  secure.on('download', (download) => void download.failure().then((failure) => failures.push(failure)));
  for (const [title, broken] of [
    ['changed', changed],
    ['cut', bytes.subarray(0, bytes.length - 70_000)],
    ['cut between pieces', bytes.subarray(0, bytes.length - (17 + 16))],
  ] as const) {
    const bad = await door.link(`${title}.bin`, broken, { sealed });
    for (const origin of [door.url, door.plainUrl]) {
      await secure.goto(origin + bad);
      await secure.getByRole('button').click();
      await secure.getByText('The file could not be opened').waitFor();
    }
  }
  assert.equal(failures.includes(null), false);
});

/** Of a key that is not used here. */
const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
