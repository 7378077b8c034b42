/** Links made by the page of a peer, at the door of another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

test('B13 a file is shared by a link from the page, with a QR code, listed with what was fetched, and taken back', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const first = await network.start();
  await first.request('/api/v1/files/summer%20photo.jpg', { method: 'PUT', body: 'a picture' });
  const page = await browser.page(await first.pageLink('/files'), phone);
  await page.getByRole('button', { name: 'Actions for summer photo.jpg' }).click();
  await page.getByRole('menuitem', { name: 'Send a link…' }).click();
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByText('no peer has one open now').waitFor();
  const setting = await browser.page(await first.pageLink('/files'), phone);
  await setting.getByRole('button', { name: 'Actions for summer photo.jpg' }).click();
  await setting.getByRole('menuitem', { name: 'Send a link…' }).click();
  await setting.getByRole('button', { name: 'Make a link' }).click();
  await setting.getByRole('link', { name: 'Open a door in the settings' }).click();
  await until('its setting has the focus', async () => {
    return (await setting.evaluate('document.activeElement?.id')) === 'setting-door';
  });
  const door = await network.start({ join: first, flags: ['--door', '127.0.0.1:0', '--serve', 'links'] });
  await until('one ring', () => network.isIdeal([first, door]), 30_000);
  await page.getByLabel('Downloads at most').selectOption('3 times');
  const field = page.getByRole('textbox', { name: 'The link' });
  const make = page.getByRole('button', { name: 'Make a link' });
  await until('the door is known', async () => {
    await make.click({ timeout: 1000 });
    // The button rests while the peer is asked.
    await field.or(make.and(page.locator(':enabled'))).waitFor();
    return (await field.count()) > 0;
  });
  const url = await field.inputValue();
  assert.match(url, /\/s\/[a-z2-7]{16}\/summer%20photo\.jpg$/);
  assert.equal(await readQr(page), url);
  await page.getByText('This address is of your local network').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Close' }).click();
  assert.equal(await (await fetch(url)).text(), 'a picture');
  await page.getByText(/^1 link for people outside, last fetched/).click({ timeout: 30_000 });
  await page.getByText(/3 times at each door · fetched 1 time/).waitFor();
  const wide = await browser.page(await first.pageLink('/files'), desktop);
  await wide.getByText(/^1 link for people outside/).click();
  await wide.getByRole('button', { name: 'Show the link to summer photo.jpg' }).click();
  assert.equal(await wide.getByRole('textbox', { name: 'The link' }).inputValue(), url);
  assert.deepEqual(await accessibilityFaults(wide), []);
  page.on('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: 'Take back the link to summer photo.jpg' }).click();
  await until('it is gone', async () => (await fetch(url)).status === 404, 5000);
  await page.getByText(/for people outside/).waitFor({ state: 'detached' });
  assert.deepEqual(browser.faults, []);
});

/** From its modules, as large as a camera wants them. */
async function readQr(page: Page): Promise<string> {
  const picture = page.getByRole('img', { name: /^QR code/ });
  const scale = 4;
  const side = Number((await picture.getAttribute('viewBox'))?.split(' ')[2]) * scale;
  const data = new Uint8Array(side * side * 4).fill(255);
  const path = (await picture.locator('path').getAttribute('d')) ?? '';
  for (const [, left, top] of path.matchAll(/M(\d+) (\d+)h1/g))
    for (let y = Number(top) * scale; y < (Number(top) + 1) * scale; y++)
      for (let x = Number(left) * scale; x < (Number(left) + 1) * scale; x++)
        data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
  return decodeQR({ width: side, height: side, data });
}
