/** The people of a network: named, invited, given rights and removed by the page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import { until } from '../fixtures/until.ts';
import { accessibilityFaults, BrowserFixture, desktop, phone } from './browser-fixture.ts';

test('A3 B3 B6 an admin names, invites, changes and removes members on the page; others see why they cannot', async () => {
  await using network = await NetworkFixture.open();
  await using browser = await BrowserFixture.open();
  const first = await network.start();
  const second = await network.start({ join: first });
  const page = await browser.page(await first.pageLink('/people'), desktop);
  const members = page.getByRole('table', { name: 'Members' });
  const row = (name: string) => members.getByRole('row').filter({ hasText: name });
  const nameOf = async (peer: typeof first) =>
    (await first.json<Members>('/api/v1/members')).members.find(({ id }) => id === peer.ready.id)!;

  const name = (await nameOf(second)).shownName;
  await row(name).getByRole('button', { name, exact: true }).press('Enter');
  const card = page.getByRole('dialog', { name });
  await card.getByText(second.ready.id).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await card.getByLabel('Your own name for this peer').fill('Anna’s laptop');
  await card.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog', { name: 'Anna’s laptop' }).getByText(name).waitFor();
  await page.keyboard.press('Escape');
  await row('Anna’s laptop').waitFor();

  await page.getByRole('button', { name: 'Invite…' }).press('Enter');
  const inviting = page.getByRole('dialog', { name: 'Invite somebody' });
  await inviting.getByLabel('Valid for').selectOption('1 day');
  await inviting.getByLabel('How much of the storage').selectOption('5%');
  assert.deepEqual(await accessibilityFaults(page), []);
  await inviting.getByRole('button', { name: 'Make the invite' }).click();
  const line = await page.getByLabel('The line').inputValue();
  await page.getByRole('img', { name: 'QR code of the invite' }).waitFor();
  await page.getByText('It leads to this machine only').waitFor();
  assert.equal(await page.getByRole('link', { name: 'To this setting' }).getAttribute('href'), '/settings?at=listen');
  await page.keyboard.press('Escape');
  const invites = page.getByRole('region', { name: 'Invites' });
  await invites.getByText('may fill 5% of each peer').waitFor();
  const third = await network.start({ invite: line });
  const thirdName = (await nameOf(third)).shownName;
  await row(thirdName).getByText('5%').waitFor();
  await invites.waitFor({ state: 'detached' });

  await page.getByRole('button', { name: 'Invite…' }).click();
  await inviting.getByLabel('How many people may join').fill('2');
  await inviting.getByRole('button', { name: 'Make the invite' }).click();
  await page.getByText('Who has the line joins: 2 members').waitFor();
  await page.keyboard.press('Escape');
  await invites.getByText('For 2 members, 0 of them came').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await invites.getByRole('button', { name: 'Take back the invite' }).click();
  await invites.waitFor({ state: 'detached' });

  await row(thirdName)
    .getByRole('button', { name: `Change ${thirdName}` })
    .click();
  const changing = page.getByRole('dialog', { name: thirdName });
  await changing.getByRole('checkbox', { name: 'Put and share files' }).uncheck();
  await changing.getByLabel('How much of the storage').selectOption('10%');
  await changing.getByRole('button', { name: 'Save' }).click();
  await row(thirdName).getByText('10%').waitFor();
  await until('it knows itself', async () => {
    const own = (await third.json<Members>('/api/v1/members')).members.find(({ id }) => id === third.ready.id);
    return own?.rights.join() === 'store';
  });

  const small = await browser.page(await second.pageLink('/people'), phone);
  await small.evaluate(`localStorage.setItem('language', 'de')`);
  await small.reload();
  await small.getByText('nur Admins ändern Mitglieder').waitFor();
  await small.getByRole('table', { name: 'Mitglieder' }).getByRole('row').nth(3).waitFor();
  assert.equal(await small.getByRole('button', { name: /ändern$/ }).count(), 0);
  assert.equal(await small.evaluate('document.documentElement.lang'), 'de');
  assert.deepEqual(await accessibilityFaults(small), []);
  await small.getByRole('button', { name: 'Leute' }).press('Enter');
  await small.getByRole('link', { name: 'Zustand' }).waitFor();
  assert.deepEqual(await accessibilityFaults(small), []);
  await small.keyboard.press('Escape');
  assert.equal(await small.getByRole('link', { name: 'Zustand' }).isVisible(), false);

  await row(thirdName)
    .getByRole('button', { name: `Change ${thirdName}` })
    .click();
  await changing.getByRole('button', { name: 'Remove…' }).click();
  const removing = page.getByRole('dialog', { name: `Remove ${thirdName}?` });
  await removing.getByText('made again on other peers').waitFor();
  await removing.getByText('can only come back with a new data folder').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await removing.getByRole('button', { name: `Remove ${thirdName}` }).click();
  await row(thirdName).waitFor({ state: 'detached' });
  await page.getByRole('checkbox', { name: 'Show 1 removed member' }).check();
  await row(thirdName).getByText('removed').filter({ visible: true }).first().waitFor();
});

interface Members {
  readonly members: readonly { readonly id: string; readonly shownName: string; readonly rights: readonly string[] }[];
}
