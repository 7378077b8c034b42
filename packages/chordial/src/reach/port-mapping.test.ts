import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { virtualClock } from '@chordial/ring/testing';
import type { Gateway } from './gateway.ts';
import { type Mapping, type NoMapping, PortMapping, type PortMappingPorts, saidMapping } from './port-mapping.ts';
import { type MappingAnswer, type MappingWish, type Router, refusedBecause, silent } from './router.ts';

const gateway: Gateway = { address: '192.168.1.1', local: '192.168.1.2' };
const hour = 3_600_000;

function granted(externalPort = 4848, seconds = 3600, externalAddress: string | null = '203.0.113.5'): MappingAnswer {
  return { kind: 'granted', granted: { externalPort, externalAddress, seconds } };
}

/** One protocol of a router, which answers as the test says. */
class FakeRouter implements Router {
  readonly protocol: Router['protocol'];
  answer: MappingAnswer;
  readonly wishes: MappingWish[] = [];
  removed = 0;

  constructor(protocol: Router['protocol'], answer: MappingAnswer = silent) {
    this.protocol = protocol;
    this.answer = answer;
  }

  async map(wish: MappingWish): Promise<MappingAnswer> {
    this.wishes.push(wish);
    return this.answer;
  }

  async unmap(): Promise<void> {
    this.removed += 1;
  }
}

function mapping(routers: readonly Router[], more: Partial<PortMappingPorts> = {}) {
  const { clock, random, pass } = virtualClock();
  const heard: Mapping[] = [];
  const portMapping = new PortMapping({
    clock,
    random,
    off: () => null,
    internalPort: () => 4848,
    gateway: async () => gateway,
    routers: () => routers,
    ...more,
  });
  portMapping.onChange((one) => heard.push(one));
  const wait = async (milliseconds: number): Promise<void> => {
    for (let passed = 0; passed < milliseconds; passed += 10_000) {
      pass(10_000);
      await setImmediate();
    }
  };
  return { portMapping, heard, wait, clock };
}

/** Which protocol maps which port; the state without a mapping. */
function holding({ mapping: now }: PortMapping): readonly [string, number] | string {
  return now.state === 'mapped' ? [now.protocol, now.externalPort] : now.state;
}

test('B10 the protocols are tried in turn, and the first that grants is kept and renewed at half of the lease', async () => {
  const [pcp, natPmp, upnp] = [
    new FakeRouter('PCP'),
    new FakeRouter('NAT-PMP', granted(5000)),
    new FakeRouter('UPnP', granted()),
  ];
  const { portMapping, heard, wait, clock } = mapping([pcp, natPmp, upnp]);
  assert.equal(portMapping.mapping.state, 'asking');
  await portMapping.begin();
  const mapped = {
    state: 'mapped',
    gateway: '192.168.1.1',
    protocol: 'NAT-PMP',
    externalPort: 5000,
    externalAddress: '203.0.113.5',
    until: clock.wallTime() + hour,
  } as const;
  assert.deepEqual(portMapping.mapping, mapped);
  assert.deepEqual(natPmp.wishes, [{ internalPort: 4848, externalPort: 4848, seconds: 3600 }]);
  assert.deepEqual([pcp.wishes.length, upnp.wishes.length], [1, 0]);
  await wait(1_600_000);
  assert.equal(natPmp.wishes.length, 1);
  await wait(220_000);
  assert.deepEqual(natPmp.wishes[1], { internalPort: 4848, externalPort: 5000, seconds: 3600 });
  assert.equal(pcp.wishes.length, 1);
  assert.equal(heard.length, 1);
  await portMapping.close();
  assert.deepEqual([pcp.removed, natPmp.removed, upnp.removed], [1, 1, 1]);
  await wait(2 * hour);
  assert.equal(natPmp.wishes.length, 2);
});

test('B10 a router that refuses says why, and is asked again ever more seldom', async () => {
  const [pcp, upnp] = [
    new FakeRouter('PCP'),
    new FakeRouter('UPnP', refusedBecause('it is not allowed to this machine')),
  ];
  const { portMapping, wait } = mapping([pcp, upnp]);
  await portMapping.begin();
  assert.deepEqual(portMapping.mapping, {
    state: 'refused',
    gateway: '192.168.1.1',
    protocol: 'UPnP',
    reason: 'it is not allowed to this machine',
    externalAddress: null,
  });
  assert.match(saidMapping(portMapping.mapping).text, /192\.168\.1\.1, the router, refused by UPnP: it is not allowed/);
  await wait(hour);
  const soon = upnp.wishes.length;
  assert.ok(soon >= 5 && soon <= 8, `${soon}`);
  await wait(10 * hour);
  assert.ok(upnp.wishes.length - soon <= 23, `${upnp.wishes.length}`);
  upnp.answer = granted(4848, 0);
  await wait(hour);
  assert.equal(portMapping.mapping.state, 'mapped');
  assert.match(saidMapping(portMapping.mapping).text, /maps 203\.0\.113\.5:4848 by UPnP, until it is removed$/);
});

test('B10 no router that answers, no gateway, and what is off, in words', async () => {
  const none = mapping([new FakeRouter('PCP')]);
  await none.portMapping.begin();
  assert.equal(none.portMapping.mapping.state, 'no-router');
  assert.match(
    saidMapping(none.portMapping.mapping).text,
    /answers neither PCP nor NAT-PMP nor UPnP.*--advertise HOST:PORT/,
  );
  const alone = mapping([], { gateway: async () => null });
  await alone.portMapping.begin();
  assert.match(saidMapping(alone.portMapping.mapping).text, /no default route from where it listens/);
  const asked = new FakeRouter('PCP', granted());
  const off = mapping([asked], { off: () => ({ reason: 'public-address', address: '203.0.113.5' }) });
  assert.equal(saidMapping(off.portMapping.mapping).text, 'off: this machine has the public address 203.0.113.5');
  await off.portMapping.begin();
  await off.wait(hour);
  assert.equal(asked.wishes.length, 0);
});

test('B10 double NAT and the NAT of a provider are told, with what to do', async () => {
  for (const [address, words] of [
    ['192.168.178.20', /double NAT.*Let that one forward TCP port 4848 to it/],
    ['100.72.3.4', /carrier NAT.*ask the provider/],
    ['0.0.0.0', /no public address itself.*double NAT.*carrier NAT/],
    [null, /maps port 4848 by PCP.*does not tell its own address$/],
  ] as const) {
    const { portMapping } = mapping([new FakeRouter('PCP', granted(4848, 3600, address))]);
    await portMapping.begin();
    assert.match(saidMapping(portMapping.mapping).text, words);
  }
  const [pcp, natPmp] = [new FakeRouter('PCP', refusedBecause('no')), new FakeRouter('NAT-PMP')];
  natPmp.answer = refusedBecause('no', '100.72.3.4');
  const { portMapping } = mapping([pcp, natPmp]);
  await portMapping.begin();
  assert.match(
    saidMapping(portMapping.mapping).text,
    /refused by PCP: no\. Its own address 100\.72\.3\.4 belongs to the NAT/,
  );
});

test('L what a router grants is checked: no port, no time, and a lease that lasts for ever is renewed all the same', async () => {
  for (const bad of [
    granted(0),
    granted(65_536),
    granted(1.5),
    granted(Number.NaN),
    granted(4848, -1),
    granted(4848, Number.NaN),
  ]) {
    const { portMapping } = mapping([new FakeRouter('UPnP', bad)]);
    await portMapping.begin();
    assert.equal(portMapping.mapping.state, 'refused');
  }
  const long = new FakeRouter('PCP', granted(4848, 4_294_967_295, 'not an address'));
  const { portMapping, wait, clock } = mapping([long]);
  await portMapping.begin();
  const { mapping: held } = portMapping;
  assert.ok(held.state === 'mapped' && held.externalAddress === null && held.until === clock.wallTime() + hour);
  await wait(2_000_000);
  assert.equal(long.wishes.length, 2);
  const short = new FakeRouter('PCP', granted(4848, 1));
  const hasty = mapping([short]);
  await hasty.portMapping.begin();
  await hasty.wait(300_000);
  assert.ok(short.wishes.length <= 11, `${short.wishes.length}`);
});

test('B10 a lease that cannot be renewed holds until its end, and another protocol takes over', async () => {
  const [pcp, upnp] = [new FakeRouter('PCP', granted()), new FakeRouter('UPnP')];
  const { portMapping, wait } = mapping([pcp, upnp]);
  await portMapping.begin();
  pcp.answer = silent;
  await wait(2_000_000);
  assert.deepEqual(holding(portMapping), ['PCP', 4848]);
  await wait(hour);
  assert.equal(holding(portMapping), 'no-router');
  pcp.answer = granted();
  await wait(hour);
  pcp.answer = silent;
  upnp.answer = granted(6000);
  await wait(hour);
  assert.deepEqual(holding(portMapping), ['UPnP', 6000]);
  assert.equal(pcp.removed, 1);
});

test('B10 another gateway or another address of this machine is asked soon, and what became public lets go', async () => {
  let now: Gateway | null = gateway;
  let why: NoMapping | null = null;
  const first = new FakeRouter('PCP', granted());
  const second = new FakeRouter('NAT-PMP', granted(7000));
  const { portMapping, wait } = mapping([], {
    gateway: async () => now,
    off: () => why,
    routers: ({ address }) => (address === gateway.address ? [first] : [second]),
  });
  await portMapping.begin();
  now = { address: '10.0.0.1', local: '10.0.0.2' };
  portMapping.again();
  await setImmediate();
  assert.deepEqual(holding(portMapping), ['NAT-PMP', 7000]);
  assert.equal(first.removed, 1);
  assert.equal(second.wishes[0]?.externalPort, 4848);
  now = null;
  await wait(40_000);
  assert.equal(holding(portMapping), 'no-gateway');
  now = gateway;
  await wait(40_000);
  assert.deepEqual(holding(portMapping), ['PCP', 4848]);
  why = { reason: 'public-address', address: '203.0.113.5' };
  await wait(40_000);
  assert.equal(holding(portMapping), 'off');
  assert.equal(first.removed, 2);
});

test('B10 asked again when others no longer reach the port, at most every 30 s', async () => {
  const pcp = new FakeRouter('PCP', granted());
  const { portMapping, wait } = mapping([pcp]);
  await portMapping.begin();
  for (let count = 0; count < 30; count++) {
    portMapping.again();
    await wait(10_000);
  }
  assert.ok(pcp.wishes.length >= 9 && pcp.wishes.length <= 12, `${pcp.wishes.length}`);
});

test('B10 a stop during the first attempt waits for it, and removes what may have been mapped', async () => {
  const pcp = new FakeRouter('PCP');
  let signalled = false;
  const answer = Promise.withResolvers<MappingAnswer>();
  pcp.map = async (_, signal?: AbortSignal) => {
    signal?.addEventListener('abort', () => {
      signalled = true;
      answer.resolve(silent);
    });
    return answer.promise;
  };
  const { portMapping, heard } = mapping([pcp]);
  const begun = portMapping.begin();
  await setImmediate();
  await portMapping.close();
  await begun;
  assert.equal(signalled, true);
  assert.equal(pcp.removed, 1);
  assert.deepEqual(heard, []);
});
