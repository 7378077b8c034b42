/** The settings of a peer on its page. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

const json = { 'Content-Type': 'application/json' };

test('settings are shown with their source, saved one by one, refused with what to do, and undone; in German too', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start({ flags: ['--ping', '700'] });
  const file = path.join(peer.dataFolder, 'chordial.toml');
  const page = await browser.page(await peer.pageLink('/settings'), desktop);
  const row = (name: string) => page.locator('.setting').filter({ has: page.locator(`#setting-${name}`) });
  await row('ping').getByText('From the flag --ping').waitFor();

  await page.getByLabel('Seal what is put').selectOption('yes');
  await row('sealed').getByText('Saved. It holds now.').waitFor();
  await row('sealed').getByRole('button', { name: 'Undo' }).click();
  await until('the default again', async () => !(await readFile(file, 'utf8')).includes('sealed'));

  await page.getByLabel('Zone').fill('rack 2!');
  await page.keyboard.press('Enter');
  await row('zone').getByRole('alert').filter({ hasText: 'for example rack-2' }).waitFor();
  await page.getByLabel('Zone').fill('rack-2');
  await page.keyboard.press('Enter');
  await row('zone').getByText('It holds after the next start').waitFor();
  await row('ping').getByRole('textbox').fill('800');
  await row('ping').getByRole('button', { name: 'Save' }).click();
  await row('ping').getByText('until the next start: 700').waitFor();
  await row('ping').getByText('--ping goes before it').waitFor();
  const folder = page.getByLabel('Folder for downloads');
  await folder.fill('downloads');
  await folder.press('Enter');
  await row('save').getByRole('alert').filter({ hasText: 'Give the whole path' }).waitFor();
  await folder.fill('/srv/downloads');
  await folder.press('Enter');
  await row('save').getByText('It holds after').waitFor();
  const text = 'zone = "rack-2"\nping = "800"\nsave = "/srv/downloads"\n';
  await until('they are kept', async () => (await readFile(file, 'utf8')) === text);
  assert.deepEqual(await accessibilityFaults(page), []);

  await page.getByRole('radio', { name: 'Rate A' }).check();
  const cell = (name: string) => page.getByRole('gridcell', { name });
  await cell('Monday 08:00').hover();
  await page.mouse.down();
  await cell('Friday 17:00').hover();
  await page.getByText('Monday – Friday, 08:00 – 18:00').waitFor();
  await page.mouse.up();
  await cell('Saturday 23:00').focus();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('2');
  await page.keyboard.press('Space');
  await cell('Sunday 23:00: stop').waitFor();
  const planned = page.getByLabel('The same as text');
  const mornings = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'].map((day) => `${day}-08:00,1M:off`).join(' ');
  const plan = `00:00,off 18:00,off ${mornings} Sat-23:00,stop Sun-23:00,stop`;
  assert.equal(await planned.inputValue(), plan);
  const week = page.locator('.week');
  await page.getByRole('button', { name: 'Save the timetable' }).click();
  await week.getByText('Saved. It holds now.').waitFor();
  await until('it holds', async () => (await peer.json<{ usual: string }>('/api/v1/limits')).usual === plan);
  await planned.fill('08:30,2M 25:00,off');
  await page.getByRole('alert').filter({ hasText: 'entry 2' }).waitFor();
  await planned.fill('08:30,2M 18:00,off');
  await page.getByText('It changes within hours, too').waitFor();
  await cell('Monday 09:00: A, 2 MiB/s').waitFor();
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await cell('Friday 17:00: A, 1 MiB/s').waitFor();
  const held = (limit: string) =>
    peer.request('/api/v1/limits', { method: 'PUT', headers: json, body: JSON.stringify({ limit }) });
  await planned.fill('08:30,3M 18:00,off');
  assert.equal((await held('stop')).status, 200);
  await page.getByText('Limit: stop, puts and gets wait').waitFor();
  assert.equal(await planned.inputValue(), '08:30,3M 18:00,off', 'what is not saved stays');
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await cell('Friday 17:00: stop').waitFor();
  await held(plan);
  await cell('Friday 17:00: A, 1 MiB/s').waitFor();

  const touched = await browser.page(await peer.pageLink('/settings'), phone);
  await touched.getByRole('radio', { name: 'Rate B' }).check();
  await touched.getByRole('button', { name: 'Paint these hours' }).click();
  await touched.getByRole('gridcell', { name: 'Friday 16:00: B, 256 KiB/s up' }).waitFor();
  await touched.getByRole('gridcell', { name: 'Friday 17:00: A, 1 MiB/s' }).waitFor();
  await touched.getByRole('radio', { name: 'No limit' }).check();
  await touched.getByLabel('Days').selectOption('Sat – Sun');
  await touched.getByRole('combobox', { name: 'From' }).selectOption('22:00');
  await touched.getByRole('combobox', { name: 'To', exact: true }).selectOption('06:00');
  await touched.getByRole('button', { name: 'Paint these hours' }).click();
  await touched.getByRole('gridcell', { name: 'Sunday 23:00: off' }).waitFor();
  assert.deepEqual(await accessibilityFaults(touched), []);

  const small = await browser.page(await peer.pageLink('/settings'), phone);
  await small.getByLabel('Colours').selectOption('light');
  assert.equal(await small.evaluate('getComputedStyle(document.documentElement).colorScheme'), 'light');
  await small.getByLabel('Language').selectOption('de');
  await small.getByRole('heading', { name: 'Speicher' }).waitFor();
  assert.equal(await small.evaluate('document.documentElement.lang'), 'de');
  const fits = 'document.documentElement.scrollWidth <= innerWidth';
  assert.equal(await small.evaluate(fits), true);
  assert.deepEqual(await accessibilityFaults(small), []);
  await small.goto(`${peer.apiUrl}/shares`);
  const field = await small.getByLabel('Ordner auf dem Rechner dieses Peers').boundingBox();
  assert.ok((field?.width ?? 0) > 300, 'the path has a line of its own');
  await page.evaluate(`localStorage.setItem('language', 'de')`);
  await page.reload();
  await page.getByRole('link', { name: 'Übertragungen' }).waitFor();
  await page.locator('.badge .wide').waitFor();
  assert.equal(await page.evaluate(fits), true);
});

test('B11 the week is painted by touch, across days and hours, and scrolls from the names of the days', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  const page = await browser.page(await peer.pageLink('/settings'), phone);
  const session = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...points: readonly Point[]) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: points.map(([x, y], id) => ({ x, y, id })),
    });
  const cell = (name: string) => page.getByRole('gridcell', { name });
  const drag = async (from: Point, to: Point): Promise<void> => {
    await touch('touchStart', from);
    for (let step = 1; step <= 10; step++)
      await touch('touchMove', [from[0] + ((to[0] - from[0]) * step) / 10, from[1] + ((to[1] - from[1]) * step) / 10]);
    await touch('touchEnd');
  };
  await page.getByRole('grid').evaluate((grid) => grid.scrollIntoView({ block: 'center' }));
  const planned = page.getByLabel('The same as text');
  const scrolled = () => page.evaluate('scrollY');
  const before = await scrolled();

  await drag(await centreOf(cell('Tuesday 08:00')), await centreOf(cell('Tuesday 11:00')));
  await until('across hours', async () => (await planned.inputValue()) === 'Tue-08:00,1M:off Tue-12:00,off');
  await drag(await centreOf(cell('Wednesday 08:00')), await centreOf(cell('Sunday 08:00')));
  await cell('Sunday 08:00: A').waitFor();
  assert.equal(await page.locator('td.b2').count(), 4 + 5);
  await page.getByRole('radio', { name: 'Stop' }).check();
  await page.getByRole('grid').evaluate((grid) => grid.scrollIntoView({ block: 'center' }));
  await drag(await centreOf(cell('Friday 20:00')), await centreOf(cell('Thursday 18:00')));
  await cell('Thursday 18:00: stop').waitFor();
  assert.equal(await page.locator('td.b1').count(), 6);
  const [x, y] = await centreOf(cell('Monday 00:00'));
  await touch('touchStart', [x, y]);
  await touch('touchEnd');
  await cell('Monday 00:00: stop').waitFor();
  assert.equal(await page.locator('td.b1').count(), 7);
  // A second finger takes no part.
  const [one, other] = [await centreOf(cell('Saturday 20:00')), await centreOf(cell('Monday 03:00'))];
  await touch('touchStart', one);
  await touch('touchStart', one, other);
  await touch('touchEnd');
  await cell('Saturday 20:00: stop').waitFor();
  assert.equal(await page.locator('td.b1').count(), 8);
  assert.equal(await scrolled(), before);

  const day = await centreOf(page.getByRole('rowheader', { name: /^Sun/ }));
  await drag(day, [day[0], day[1] - 120]);
  await until('it has scrolled', async () => Number(await scrolled()) > Number(before) + 50);
  assert.equal(await page.locator('td.b1').count(), 8);
});

test('a folder is picked from the tree of the machine by keyboard, with what cannot be read said in place', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const peer = await network.start();
  const [music, hidden] = [path.join(network.folder, 'music'), path.join(network.folder, '.music')];
  for (const folder of [path.join(music, '10 last'), path.join(music, '2 first'), hidden])
    await mkdir(folder, { recursive: true });
  for (const view of [desktop, phone]) {
    const page = await browser.page(await peer.pageLink('/shares'), view);
    await page.getByLabel('Folder on the machine of this peer').fill(network.folder);
    await page.getByRole('button', { name: 'Choose…' }).click();
    const item = (name: string) => page.getByRole('treeitem', { name, exact: true });
    await item('music').waitFor();
    assert.equal(await item('.music').count(), 0);
    await page.getByLabel('Show hidden folders').check();
    await item('.music').waitFor();
    await item(path.basename(network.folder)).focus();
    await page.keyboard.press('m');
    await page.keyboard.press('ArrowRight');
    await item('2 first').waitFor();
    await page.keyboard.press('ArrowRight');
    await until('the first folder has the focus', async () => {
      return (await page.evaluate('document.activeElement?.textContent')) === '▸2 first';
    });
    assert.deepEqual(await accessibilityFaults(page), []);
    await rm(path.join(music, '10 last'), { recursive: true, force: true });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    if (view === desktop) await page.getByRole('treeitem').filter({ hasText: '10 last cannot be read' }).waitFor();
    await page.keyboard.press('Home');
    assert.equal(await page.getByLabel('Chosen folder').inputValue(), '/');
    await page.getByLabel('Chosen folder').fill(music);
    await page.getByRole('dialog').getByRole('button', { name: 'Share' }).click();
    await page.getByText(music, { exact: true }).waitFor();
    await page.getByRole('button', { name: `Stop sharing ${music}` }).click();
    await page.getByText('You share no folder yet.').waitFor();
  }
});

type Point = readonly [x: number, y: number];

async function centreOf(element: Locator): Promise<Point> {
  const box = await element.boundingBox();
  assert.ok(box !== null);
  return [box.x + box.width / 2, box.y + box.height / 2];
}
