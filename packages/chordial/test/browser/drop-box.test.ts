/** Files sent through the page of a drop box, with breaks on the way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { linkService } from '../../src/door/links/link-routes.ts';
import { OpenDoor } from '../fixtures/open-door.ts';
import { SmallPeer } from '../fixtures/small-peer.ts';
import { withFolder } from '../fixtures/temporary-folder.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

const mebibyte = 1024 * 1024;

test('B18 files are sent to a drop box over breaks, a reload and another browser, and only what fits', () =>
  withFolder(async (folder) => {
    const peer = await SmallPeer.open(path.join(folder, 'uploads'));
    await using door = await OpenDoor.open([linkService], { peer });
    await using browser = await BrowserFixture.open();
    const box = { type: 'drop', name: 'Inbox', cid: null, size: 30 * mebibyte, timeToLive: 3_600_000 } as const;
    const { path: place } = await peer.links.createLink(box);
    const large = path.join(folder, 'film.bin');
    const bytes = randomBytes(20 * mebibyte);
    await writeFile(large, bytes);
    await writeFile(path.join(folder, 'notes.txt'), 'hello');
    await writeFile(path.join(folder, 'empty'), '');
    await peer.files.put('Inbox - notes.txt', [Buffer.from('of the owner')] as never);

    const page = await browser.page(door.url + place, phone);
    let pieces = 0;
    await page.route('**/.uploads/*', async (route) => {
      if (route.request().method() !== 'PATCH') return route.fallback();
      pieces += 1;
      // The second breaks; the fourth never comes.
      if (pieces === 2) return route.abort('connectionreset');
      return pieces === 4 ? undefined : route.continue();
    });
    for (const [view, colorScheme] of [
      [desktop, 'light'],
      [phone, 'dark'],
    ] as const) {
      await page.setViewportSize(view);
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await accessibilityFaults(page), []);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
    }
    await page.setInputFiles('#pick', large);
    await until(() => pieces === 4);
    const { id } = peer.links.listLinks()[0]!;
    await until(() => peer.uploads.inBox(id)[0]?.received === 16 * mebibyte);
    page.on('dialog', (dialog) => dialog.accept());
    await page.reload();
    await page.getByText('Not finished yet: film.bin').waitFor();

    const other = await browser.page(door.url + place, desktop);
    let sent = 0;
    other.on('request', (request) => {
      if (request.method() === 'PATCH') sent += 1;
    });
    await other.setInputFiles('#pick', [large, path.join(folder, 'notes.txt'), path.join(folder, 'empty')]);
    await other.locator('.done').nth(2).waitFor();
    assert.equal(sent, 2, 'the last piece of one, and the other file');
    assert.deepEqual(await accessibilityFaults(other), []);
    assert.deepEqual(Buffer.from(peer.kept.get('Inbox - film.bin')?.bytes ?? []), bytes);
    assert.equal(Buffer.from(peer.kept.get('Inbox - notes (2).txt')?.bytes ?? []).toString(), 'hello');
    assert.equal(peer.kept.get('Inbox - empty')?.bytes.length, 0);

    // One that is cancelled while it is sent leaves its room to others.
    const wire = await other.context().newCDPSession(other);
    const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: mebibyte };
    await wire.send('Network.emulateNetworkConditions', slow);
    await writeFile(path.join(folder, 'song.bin'), randomBytes(6 * mebibyte));
    await other.setInputFiles('#pick', path.join(folder, 'song.bin'));
    const begun = () => peer.uploads.inBox(id).find(({ result }) => result === null);
    await until(() => begun() !== undefined && peer.uploads.isBusy(begun()!.id));
    await other.getByRole('button', { name: 'Cancel song.bin' }).click();
    await until(() => begun() === undefined);
    await wire.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 });

    // A changed file of that name is another one, and there is no room for it.
    await utimes(large, 1, 1);
    await other.setInputFiles('#pick', large);
    await other.getByText('The box has not enough room left for this file.').waitFor();
    assert.deepEqual(door.bugs, []);
  }));
