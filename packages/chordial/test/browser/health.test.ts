/** What a user asks after a machine died, in a real browser on real peers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, phone } from './browser-fixture.ts';

test('A18 A19 A20 B6 whether everything is safe is said first; a death is seen there, in the frame and on the ring', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const first = await network.start({ flags: ['--zone', 'attic'] });
  const second = await network.start({ join: first, flags: ['--zone', 'cellar'] });
  const third = await network.start({ join: first, flags: ['--zone', 'office'] });
  await until('one ring', () => network.isIdeal([first, second, third]), 30_000);
  await first.request('/api/v1/files/a%20file.txt', { method: 'PUT', body: 'hello' });
  const ring = await browser.page(await first.pageLink('/ring'));
  await ring.getByRole('heading', { name: '3 peers, 36 places' }).waitFor();
  const members = ring.locator('svg.ring circle.member');
  await until('all members drawn', async () => (await members.count()) === 36);

  await ring
    .getByRole('list', { name: /^Zones/ })
    .getByRole('button', { name: 'office 1 peer' })
    .waitFor();
  await ring.getByLabel('Where does a file lie?').fill('a file.txt');
  await ring.getByRole('button', { name: 'Show', exact: true }).click();
  const way = ring.getByRole('region', { name: 'How its key was found' });
  await way.getByText(/ answered, in | owns the key itself/).waitFor();
  await until(
    'its way is drawn',
    async () => (await ring.locator('svg .hop').count()) === (await way.getByRole('listitem').count()),
  );
  await ring.emulateMedia({ reducedMotion: 'reduce' });
  await until('nothing moves', async () => {
    return (await ring.evaluate("document.querySelector('svg .key').getAnimations({ subtree: true }).length")) === 0;
  });
  await ring.emulateMedia({ reducedMotion: 'no-preference' });

  const health = await browser.page(await first.pageLink('/health'));
  const said = health.getByRole('region', { name: 'Is everything safe?' });
  await said.getByText('Everything is safe.').waitFor({ timeout: 60_000 });
  await said.getByText('all 3 peers confirm it').waitFor();
  assert.equal(await health.locator('.sign').count(), 0);
  const { peers } = await first.json<{ peers: { id: string; name: string }[] }>('/api/v1/peers');
  const name = peers.find(({ id }) => id === third.ready.id)?.name ?? '';
  const row = health.getByRole('row').filter({ hasText: name });
  await row.getByText('running').waitFor();
  await row
    .locator('.held')
    .getByText(/^\d.* of \d.*B$/)
    .waitFor();

  await third.kill9();
  await row.locator('.state').getByText('not reachable').waitFor();
  await said.getByText(`${name} was last heard at`).waitFor();
  await said.getByText('Until then no one can read what is in its shared folders').waitFor();
  await until('its members gone from the picture', async () => (await members.count()) === 24);
  await ring.getByText(/is no longer alive/).waitFor();
  await ring.getByRole('heading', { name: '2 peers, 24 places' }).waitFor();

  await ring.getByRole('button', { name: 'Replay the last 5 minutes' }).click();
  const replay = ring.getByRole('region', { name: 'Replay the last 5 minutes' });
  await replay.getByText(/^Recorded by this peer from/).waitFor();
  assert.deepEqual(await accessibilityFaults(ring), []);
  await ring.getByRole('button', { name: 'Back to now' }).click();
  await ring.getByRole('button', { name: 'Replay the last 5 minutes' }).waitFor();

  await said.getByText('Files have 2 copies instead of 3').waitFor({ timeout: 180_000 });
  const small = await browser.page(await first.pageLink('/files'), phone);
  await small.getByRole('link', { name: 'too few copies' }).click();
  await small.getByText('Start 1 more peer').waitFor();
  assert.deepEqual(await accessibilityFaults(small), []);
});
