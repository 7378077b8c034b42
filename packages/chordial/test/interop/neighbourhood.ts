/** Members behind the routers of two homes, which let in nothing, and two that can be dialled. */
import assert from 'node:assert/strict';
import type { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';
import type { Namespaces, Switch } from './namespaces.ts';

export const fileBytes = 30_000_000;
export const names = ['first', 'second', 'anna', 'ben', 'carl'] as const;
type Name = (typeof names)[number];

/** Two public machines; Anna and Ben are at one home, Carl at another. Anna, who is hidden, invites Ben and Carl. */
export async function neighbourhood(net: Namespaces, network: NetworkFixture, flags: readonly string[] = []) {
  const outside = await net.switch('outside');
  const home = async (name: string, address: string): Promise<Switch> => {
    const inside = await net.switch(name);
    const places = { inside: '192.168.1.1/24', outside: `${address}/24` };
    await net.router(`router-${name}`, {
      inside: { network: inside, place: { address: places.inside } },
      outside: { network: outside, place: { address: places.outside } },
    });
    return inside;
  };
  const [one, other] = [await home('one', '203.0.113.9'), await home('other', '203.0.113.10')];
  const places: Readonly<Record<Name, readonly [Switch, string, string | null]>> = {
    first: [outside, '203.0.113.1/24', null],
    second: [outside, '203.0.113.2/24', null],
    anna: [one, '192.168.1.2/24', '192.168.1.1'],
    ben: [one, '192.168.1.3/24', '192.168.1.1'],
    carl: [other, '192.168.1.2/24', '192.168.1.1'],
  };
  const machines = await Promise.all(
    names.map(async (name) => {
      const machine = await net.host(name);
      const [network, address, gateway] = places[name];
      await network.plug(machine, gateway === null ? { address } : { address, gateway });
      return machine;
    }),
  );
  const peers: PeerProcess[] = [];
  for (const machine of machines) {
    const inviter = peers[2] ?? peers[0];
    const rights = inviter === peers[0] ? ['--rights', 'store,publish,invite'] : [];
    const invite = async (by: PeerProcess) => (await network.command(['invite', ...rights], by)).text.trim();
    const invited = inviter === undefined ? {} : { invite: await invite(inviter) };
    peers.push(await machine.startPeer(network, { ...invited, flags }));
  }
  await until('one ring', () => network.isIdeal(peers), 60_000);
  const of = <One>(list: readonly One[]) =>
    Object.fromEntries(names.map((name, index) => [name, list[index]])) as Readonly<Record<Name, One>>;
  return { peers: of(peers), machines: of(machines) };
}

export async function fetched(from: PeerProcess, name: string): Promise<Buffer> {
  const got = await from.request(`/api/v1/files/${name}`);
  assert.ok(got.ok, `${name}: ${got.status}`);
  return Buffer.from(await got.arrayBuffer());
}
