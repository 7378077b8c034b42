/** The page of a peer in Debian's Firefox: each thing that people do there, by keys and clicks, on a ring of real peers. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { accessibilityFaults, BrowserFixture, desktop, phone } from '../browser/browser-fixture.ts';
import { film, madeUpFiles, pdf, png, wave } from '../browser/samples.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';

const hostile = '<!doctype html><script>document.title = "ran"</script><h1>Title</h1>';

test('B6 all that people do on the page of a peer works in Firefox, without an error and without a request elsewhere', async (context) => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open('firefox');
  const first = await network.start({ flags: ['--zone', 'attic'] });
  const door = ['--door', '127.0.0.1:0', '--serve', 'links'];
  const second = await network.start({ join: first, flags: ['--zone', 'cellar', ...door] });
  const third = await network.start({ join: first, flags: ['--zone', 'office'] });
  await until('one ring of three', () => network.isIdeal([first, second, third]), 60_000);
  const folder = path.join(network.folder, 'trip');
  await mkdir(path.join(folder, 'day 10'), { recursive: true });
  await mkdir(path.join(folder, 'day 9'));
  await writeFile(path.join(folder, 'day 10', 'song.txt'), 'la la');
  await writeFile(path.join(folder, 'day 9', 'note.txt'), 'It rained.');
  await putSamples(first, third);
  const put = await network.command(['put', folder, '--json'], first);
  const { cid } = JSON.parse(put.text) as { readonly cid: string };
  const page = await browser.page(await first.pageLink('/files'), desktop);

  const steps: Readonly<Record<string, () => Promise<void>>> = {
    'sorted and filtered by the URL, one row per content': () => sortAndFilter(page, first),
    'previews by content': () => preview(page, first),
    'folders as trees': () => openFolder(page, `${first.apiUrl}/?folder=${cid}&name=trip`),
    'selected, saved, removed and back': () => select(page, first),
    'given to people outside by a link': () => link(page, first),
    'dropped, pasted and chosen': () => give(page, first, network.folder),
    'people named, invited, changed and removed': () => people(page, { first, third }, network),
    'what was removed is gone when its time for Undo is over': async () => {
      await until('it is gone', async () => (await first.request('/api/v1/files/page.jpg')).status === 404);
    },
    'settings, the week and a folder': () => settings(page, first, network.folder),
    'health and history': () => health(page, first),
    'the ring, a way through it, and its past': () => ring(page, first),
    'thousands of rows': () => longList(page, first),
    'by keyboard': () => byKeyboard(page, first),
    'every view, wide and narrow, light and dark': async () => {
      const places = [...views, `/?peer=${second.ready.id}`, `/?folder=${cid}&name=trip`];
      const looking = [desktop, phone].map(async (view) =>
        look(await browser.page(await first.pageLink(), view), { peer: first, places }),
      );
      await Promise.all(looking);
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    await context.test(name, async () => {
      // A question of the window, or another window, leaves it without the focus.
      await page.bringToFront();
      await step();
      assert.deepEqual(browser.faults, []);
    });
  }
});

const views = ['/', '/?q=song', '/files', '/shares', '/transfers', '/people', '/ring', '/health', '/settings'] as const;

async function putFile(peer: PeerProcess, name: string, body: string | Uint8Array<ArrayBuffer>): Promise<void> {
  const { status } = await peer.request(`/api/v1/files/${encodeURIComponent(name)}`, { method: 'PUT', body });
  assert.equal(status, 201);
}

async function putSamples(peer: PeerProcess, other: PeerProcess): Promise<void> {
  await putFile(peer, 'song 10.wav', wave(60));
  await putFile(peer, 'song 2.wav', wave(20));
  await putFile(peer, 'letter.txt', 'c'.repeat(1000));
  await putFile(other, 'the same letter.txt', 'c'.repeat(1000));
  await putFile(peer, 'page.jpg', hostile);
  await putFile(peer, 'paper.pdf', pdf());
  await putFile(peer, 'square.png', png(60, 40));
}

const all = 'letter.txt,page.jpg,paper.pdf,song 2.wav,song 10.wav,square.png,trip';

function names(page: Page): Promise<readonly string[]> {
  return page.locator('tbody td.name a').allTextContents();
}

function shows(page: Page, expected: string): Promise<boolean> {
  return until(expected, async () => (await names(page)).join() === expected);
}

async function sortAndFilter(page: Page, peer: PeerProcess): Promise<void> {
  await shows(page, all);
  await page.locator('canvas.thumbnail').waitFor();
  await page.getByRole('button', { name: 'Size' }).click();
  await until('the largest is first', async () => (await names(page))[0] === 'song 10.wav');
  await page.getByRole('button', { name: /^Audio 2/ }).click();
  await shows(page, 'song 10.wav,song 2.wav');
  await page.getByText('2 of 7 files').waitFor();
  assert.equal(new URL(page.url()).search, '?sort=size&desc=1&kind=audio');
  await page.reload();
  await shows(page, 'song 10.wav,song 2.wav');
  await page.goBack();
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByLabel('Size').selectOption('above 1 GB');
  await page.getByText('0 of 7 files').waitFor();
  await page.getByRole('button', { name: 'Clear', exact: true }).click();
  await page.getByText('7 files').waitFor();

  const rows = page.getByRole('row').filter({ hasText: 'letter.txt' });
  await until('one row for what two have put', async () => {
    await page.goto(`${peer.apiUrl}/?q=letter`);
    await rows.first().waitFor();
    return (await rows.count()) === 1;
  });
  await choose(page, /^Actions for .*letter\.txt$/, 'Details');
  await page
    .getByRole('dialog')
    .getByText(/as (the same )?letter\.txt/)
    .first()
    .waitFor();
  await page.keyboard.press('Escape');
}

async function preview(page: Page, peer: PeerProcess): Promise<void> {
  await putFile(peer, 'film.webm', Uint8Array.from(await film(page)));
  await page.goto(`${peer.apiUrl}/files`);
  await shows(page, `film.webm,${all}`);
  const named = (name: string) => page.getByRole('dialog', { name });
  const next = () => page.keyboard.press('ArrowRight');
  const isTrue = (expression: string) => page.evaluate<boolean>(`(${expression}) === true`);
  await page.getByRole('link', { name: 'film.webm' }).click();
  await until('a film', () => isTrue('document.querySelector("video")?.videoWidth === 64'));
  await next();
  await named('letter.txt').getByRole('region', { name: 'Text' }).waitFor();
  await next();
  await named('page.jpg').getByRole('region', { name: 'Text' }).getByText(hostile).waitFor();
  assert.notEqual(await page.title(), 'ran');
  assert.equal(await page.locator('.preview h1').count(), 0);
  await next();
  await named('paper.pdf').waitFor();
  await until('a viewer of PDF, of another origin', async () => {
    const [frame] = page.frames().filter((one) => one !== page.mainFrame());
    return frame?.evaluate<boolean>(
      `self.origin === 'resource://pdf.js' && document.querySelector('.page canvas') !== null`,
    );
  });
  await next();
  await until('a sound', () => isTrue('document.querySelector("audio")?.duration === 20'));
  await page.evaluate('document.querySelector("audio").currentTime = 15');
  await until('it goes there', () => isTrue('document.querySelector("audio").currentTime === 15'));
  await next();
  await next();
  await until('a picture', () => isTrue('document.querySelector(".preview img")?.naturalWidth === 60'));
  await named('square.png').getByText('image/png · 60 × 40').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.keyboard.press('Escape');
  await page.locator('.preview').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'square.png');
  await peer.request('/api/v1/files/film.webm', { method: 'DELETE' });
}

async function openFolder(page: Page, url: string): Promise<void> {
  await page.goto(url);
  const tree = page.getByRole('tree', { name: 'Files in trip' });
  await tree.getByRole('treeitem', { name: 'day 10' }).waitFor();
  const shown = await tree.getByRole('treeitem').allTextContents();
  assert.match(shown.join(), /^day 9.*day 10/);
  await tree.focus();
  for (const key of ['d', 'ArrowRight']) await page.keyboard.press(key);
  await tree.getByRole('treeitem', { name: 'song.txt' }).waitFor();
  for (const key of ['ArrowRight', 'Enter']) await page.keyboard.press(key);
  await page.getByRole('region', { name: 'Text' }).getByText('la la').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.preview').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate('document.activeElement.role'), 'tree');
}

async function select(page: Page, peer: PeerProcess): Promise<void> {
  await page.goto(`${peer.apiUrl}/files?kind=audio`);
  await shows(page, 'song 2.wav,song 10.wav');
  await page.getByRole('link', { name: 'song 2.wav' }).focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowDown');
  await page.getByText('2 selected').waitFor();
  const saving = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download as ZIP' }).click();
  const saved = await saving;
  assert.equal(saved.suggestedFilename(), '2 files.zip');
  // Its files are stored as they are.
  const zip = await readFile(await saved.path());
  for (const part of ['song 2.wav', 'song 10.wav', Buffer.from(wave(20))]) assert.ok(zip.includes(part));
  const note = page.getByText('2 files are being removed.');
  const remove = page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Remove' });
  await remove.click();
  await note.waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await note.waitFor({ state: 'detached' });
  await shows(page, 'song 2.wav,song 10.wav');
  assert.equal((await peer.request('/api/v1/files/song%202.wav')).status, 200);
  await page.goto(`${peer.apiUrl}/files`);
  await choose(page, 'Actions for page.jpg', 'Remove');
}

async function link(page: Page, peer: PeerProcess): Promise<void> {
  await choose(page, 'Actions for letter.txt', 'Link…');
  const make = page.getByRole('button', { name: 'Make a link' });
  const field = page.getByRole('textbox', { name: 'The link' });
  await until('the door is known', async () => {
    await make.click({ timeout: 1000 });
    // The button rests while the peer is asked.
    await field.or(make.and(page.locator(':enabled'))).waitFor();
    return (await field.count()) > 0;
  });
  await page.getByRole('img', { name: /^QR code/ }).waitFor();
  const answer = await fetch(await field.inputValue());
  assert.equal(await answer.text(), 'c'.repeat(1000));
  await page.getByRole('button', { name: 'Close' }).click();
  await page.goto(`${peer.apiUrl}/files`);
  await page.getByText(/^1 link for people outside/).click();
  page.once('dialog', (dialog) => void dialog.accept());
  await page.getByRole('button', { name: 'Take back the link to letter.txt' }).click();
  await page.getByText(/for people outside/).waitFor({ state: 'detached' });
}

async function give(page: Page, peer: PeerProcess, folder: string): Promise<void> {
  await page.goto(`${peer.apiUrl}/ring`);
  const tray = page.getByRole('region', { name: 'Uploads' });
  const bodyOf = async (name: string) => (await peer.request(`/api/v1/files/${encodeURIComponent(name)}`)).text();
  // No driver drags a file from the disk into Firefox, and without a window its clipboard holds text alone: the page gets the events.
  const file = (name: string, text: string) => `items.add(new File(['${text}'], '${name}'))`;
  await page.evaluate(`{
    const dataTransfer = new DataTransfer();
    dataTransfer.${file('a note.txt', 'dropped')};
    const more = { dataTransfer, bubbles: true, cancelable: true, clientX: 200, clientY: 400 };
    for (const type of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, more));
  }`);
  await tray.getByText('Put: 7 B').waitFor();
  assert.equal(await bodyOf('a note.txt'), 'dropped');
  await page.evaluate(`{
    const pasted = new ClipboardEvent('paste', { bubbles: true });
    pasted.clipboardData.${file('from the clipboard.txt', 'pasted')};
    document.body.dispatchEvent(pasted);
  }`);
  const question = page.getByRole('dialog', { name: 'Put this into the network?' });
  await question.getByRole('button', { name: 'Put', exact: true }).press('Enter');
  await tray.getByText('Put: 6 B').waitFor();
  assert.equal(await bodyOf('from the clipboard.txt'), 'pasted');
  await page.goto(`${peer.apiUrl}/files`);
  const chosen = path.join(folder, 'chosen.txt');
  await writeFile(chosen, 'chosen!!');
  await page.setInputFiles('input[type=file]', chosen);
  await tray.getByText('Put: 8 B').waitFor();
  assert.equal(await bodyOf('chosen.txt'), 'chosen!!');
}

interface Members {
  readonly members: readonly { readonly id: string; readonly shownName: string; readonly rights: readonly string[] }[];
}

async function people(
  page: Page,
  { first, third }: { readonly first: PeerProcess; readonly third: PeerProcess },
  network: NetworkFixture,
): Promise<void> {
  await page.goto(`${first.apiUrl}/people`);
  const row = (name: string) => page.getByRole('table').getByRole('row').filter({ hasText: name });
  const memberOf = async (peer: PeerProcess) =>
    (await first.json<Members>('/api/v1/members')).members.find(({ id }) => id === peer.ready.id)!;
  const { shownName } = await memberOf(third);
  await row(shownName).getByRole('button', { name: shownName, exact: true }).click();
  const card = page.getByRole('dialog', { name: shownName });
  await card.getByText(third.ready.id).waitFor();
  await card.getByLabel('Your own name for this peer').fill('Anna’s laptop');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Anna’s laptop' }).waitFor();
  await page.keyboard.press('Escape');
  await row('Anna’s laptop').waitFor();

  await page.getByRole('button', { name: 'Invite…' }).click();
  const inviting = page.getByRole('dialog', { name: 'Invite somebody' });
  await inviting.getByLabel('Valid for').selectOption('1 day');
  await inviting.getByLabel('How much of the storage').selectOption('5%');
  await inviting.getByRole('button', { name: 'Make the invite' }).click();
  const invite = await page.getByLabel('The line').inputValue();
  await page.getByRole('img', { name: 'QR code of the invite' }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.keyboard.press('Escape');
  const guest = await network.start({ invite });
  const { shownName: guestName } = await memberOf(guest);
  await row(guestName).getByText('5%').waitFor();

  const change = row(guestName).getByRole('button', { name: `Change ${guestName}` });
  const changing = page.getByRole('dialog', { name: guestName });
  await change.click();
  await changing.getByRole('checkbox', { name: 'Put and share files' }).uncheck();
  await changing.getByRole('button', { name: 'Save' }).click();
  await until('it may only store', async () => (await memberOf(guest)).rights.join() === 'store');
  await change.click();
  await changing.getByRole('button', { name: 'Remove…' }).click();
  await page
    .getByRole('dialog', { name: `Remove ${guestName}?` })
    .getByRole('button', { name: `Remove ${guestName}` })
    .click();
  await row(guestName).waitFor({ state: 'detached' });
  await guest.kill9();
}

async function settings(page: Page, peer: PeerProcess, folder: string): Promise<void> {
  await page.goto(`${peer.apiUrl}/settings`);
  const row = (name: string) => page.locator('.setting').filter({ has: page.locator(`#setting-${name}`) });
  await page.getByLabel('Seal what is put').selectOption('yes');
  await row('sealed').getByText('Saved. It holds now.').waitFor();
  await row('sealed').getByRole('button', { name: 'Undo' }).click();
  await row('zone').getByText('From the flag --zone').waitFor();
  await page.getByLabel('Folder for downloads').fill('downloads');
  await page.keyboard.press('Enter');
  await row('save').getByRole('alert').filter({ hasText: 'Give the whole path' }).waitFor();

  await page.getByRole('radio', { name: 'Rate A' }).check();
  const cell = (name: string) => page.getByRole('gridcell', { name });
  await cell('Monday 08:00').hover();
  await page.mouse.down();
  await cell('Friday 17:00').hover();
  await page.getByText('Monday – Friday, 08:00 – 18:00').waitFor();
  await page.mouse.up();
  await cell('Friday 17:00: A').waitFor();
  await cell('Saturday 23:00').focus();
  for (const key of ['Shift+ArrowDown', '2', 'Space']) await page.keyboard.press(key);
  await cell('Sunday 23:00: stop').waitFor();
  const plan = await page.getByLabel('The same as text').inputValue();
  assert.match(plan, /^00:00,off 18:00,off Mon-08:00,\S+ Tue-08:00,.* Sat-23:00,stop Sun-23:00,stop$/);
  await page.getByRole('button', { name: 'Save the timetable' }).click();
  await until('it holds', async () => (await peer.json<{ usual: string }>('/api/v1/limits')).usual === plan);
  assert.deepEqual(await accessibilityFaults(page), []);

  await page.getByLabel('Language').selectOption('de');
  await page.getByRole('heading', { name: 'Speicher' }).waitFor();
  assert.equal(await page.evaluate('document.documentElement.lang'), 'de');
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel('Sprache').selectOption('en');
  await page.getByRole('heading', { name: 'Storage' }).waitFor();

  await page.goto(`${peer.apiUrl}/shares`);
  await page.getByLabel('Folder on the machine of this peer').fill(folder);
  await page.getByRole('button', { name: 'Choose…' }).click();
  const item = (name: string) => page.getByRole('treeitem', { name, exact: true });
  await item('trip').waitFor();
  await item(path.basename(folder)).focus();
  await page.keyboard.press('t');
  await page.keyboard.press('ArrowRight');
  await item('day 9').waitFor();
  await item('trip').click();
  const trip = path.join(folder, 'trip');
  assert.equal(await page.getByLabel('Chosen folder').inputValue(), trip);
  await page.getByRole('dialog').getByRole('button', { name: 'Share' }).click();
  await page.getByRole('button', { name: `Stop sharing ${trip}` }).click();
  await page.getByText('You share no folder yet.').waitFor();
}

async function health(page: Page, peer: PeerProcess): Promise<void> {
  await page.goto(`${peer.apiUrl}/health`);
  await page.getByRole('region', { name: 'Is everything safe?' }).locator('.title').waitFor();
  const row = page.getByRole('row').filter({ hasText: 'Anna’s laptop' });
  await row.getByText('running').waitFor();
  for (const [span, word] of [
    ['day', 'Day'],
    ['month', 'Month'],
  ]) {
    await page.getByText(word!, { exact: true }).click();
    await page.waitForURL(`**/health?span=${span}`);
    await until('all is drawn', async () => (await page.locator('.plot svg, .plot canvas').count()) === 4);
  }
}

async function ring(page: Page, peer: PeerProcess): Promise<void> {
  await page.goto(`${peer.apiUrl}/ring`);
  await page.getByRole('heading', { name: '3 peers, 36 places' }).waitFor();
  await until('all are drawn', async () => (await page.locator('svg.ring circle.member').count()) === 36);
  const zones = page.getByRole('list', { name: /^Zones/ });
  for (const zone of ['attic', 'cellar', 'office'])
    await zones.getByRole('button', { name: `${zone} 1 peer` }).waitFor();
  await page.getByLabel('Where does a file lie?').fill('letter.txt');
  await page.keyboard.press('Enter');
  const way = page.getByRole('region', { name: 'How its key was found' });
  await way.getByText(/ answered, in | owns the key itself/).waitFor();
  await until(
    'its way is drawn',
    async () => (await page.locator('svg .hop').count()) === (await way.getByRole('listitem').count()),
  );
  await page.getByRole('button', { name: 'Replay the last 5 minutes' }).click();
  const replay = page.getByRole('region', { name: 'Replay the last 5 minutes' });
  await replay.getByText(/^Recorded by this peer from/).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole('button', { name: 'Back to now' }).click();
}

/** Made up: the page is under test, and putting so many files would take minutes. */
async function longList(page: Page, peer: PeerProcess): Promise<void> {
  const count = 5000;
  await page.route('**/api/v1/files?**', (route) => route.fulfill({ json: madeUpFiles(count, route.request().url()) }));
  await page.goto(peer.apiUrl);
  const named = (index: number) => page.getByRole('link', { name: `file ${index}.bin`, exact: true });
  await named(0).waitFor();
  await named(0).focus();
  for (let step = 0; step < 30; step++) await page.keyboard.press('ArrowDown');
  await until('the focus follows', async () => {
    return (await page.evaluate('document.activeElement.textContent')) === 'file 30.bin';
  });
  await page.mouse.move(600, 500);
  await page.mouse.wheel(0, 40_000);
  await until('far down', async () => Number(/\d+/.exec((await names(page))[0] ?? '')?.[0]) > 500);
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  await named(count - 1).waitFor();
  assert.ok((await page.locator('tbody tr').count()) < 200, 'only rows in sight are drawn');
  await page.unroute('**/api/v1/files?**');
}

async function byKeyboard(page: Page, peer: PeerProcess): Promise<void> {
  await page.goto(`${peer.apiUrl}/`);
  await page.locator('main').waitFor();
  const active = () => page.evaluate<string>('document.activeElement.textContent');
  const tabTo = (wanted: string) =>
    until(`the focus on ${wanted}`, async () => {
      await page.keyboard.press('Tab');
      return (await active()) === wanted;
    });
  await tabTo('Files');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/files');
  await tabTo('letter.txt');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.preview').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.preview').waitFor({ state: 'detached' });
}

interface Look {
  readonly peer: PeerProcess;
  readonly places: readonly string[];
}

async function look(page: Page, { peer, places }: Look): Promise<void> {
  for (const place of places) {
    await page.goto(`${peer.apiUrl}${place}`);
    await until('something is shown', async () => ((await page.locator('main').textContent()) ?? '').length > 12);
    assert.deepEqual(await accessibilityFaults(page), [], place);
    const wider = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    assert.ok(wider <= 0, `${place} is ${wider} pixels wider than the window`);
  }
}

/** From the menu of a row. */
async function choose(page: Page, menu: string | RegExp, action: string): Promise<void> {
  await page.getByRole('button', { name: menu }).click();
  await page.getByRole('menuitem', { name: action }).click();
}
