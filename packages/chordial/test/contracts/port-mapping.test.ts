/** The protocols of routers over real sockets: those that grant, and those that lie, stall or flood. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { localAddressTowards } from '../../src/reach/gateway.ts';
import { natPmpRouter, pcpRouter } from '../../src/reach/gateway-protocols.ts';
import type { MappingAnswer, MappingWish } from '../../src/reach/router.ts';
import { upnpRouter } from '../../src/reach/upnp.ts';
import { type Answering, answeringSocket, envelope, fakeUpnp, type UpnpBehaviour } from './fake-router.ts';

const gateway = { address: '127.0.0.1', local: '127.0.0.1' };
const nonce = Buffer.alloc(12, 7);
const wish: MappingWish = { internalPort: 4848, externalPort: 4848, seconds: 3600 };
const never = new AbortController().signal;
const external = Buffer.from([203, 0, 113, 5]);

/** The answer to a PCP request: the same, as an answer, with this port, time and result. */
function pcpAnswer(request: Buffer, { port = 5000, seconds = 3600, code = 0 } = {}): Buffer {
  const answer = Buffer.from(request);
  answer.writeUInt8(0x81, 1);
  answer.fill(0, 8, 24);
  answer.writeUInt8(code, 3);
  answer.writeUInt32BE(seconds, 4);
  answer.writeUInt16BE(port, 42);
  external.copy(answer, 56);
  return answer;
}

function natPmpAnswer(request: Buffer, { port = 5000, seconds = 3600, code = 0 } = {}): Buffer {
  const isMap = request[1] === 2;
  const answer = Buffer.alloc(isMap ? 16 : 12);
  answer.writeUInt8(0x80 | (request[1] ?? 0), 1);
  answer.writeUInt16BE(code, 2);
  if (!isMap) external.copy(answer, 8);
  else {
    request.copy(answer, 8, 4, 6);
    answer.writeUInt16BE(port, 10);
    answer.writeUInt32BE(seconds, 12);
  }
  return answer;
}

async function pcp(t: TestContext, answering: Answering) {
  return pcpRouter({ gateway, port: await answeringSocket(t, answering) }, nonce);
}

async function natPmp(t: TestContext, answering: Answering) {
  return natPmpRouter({ gateway, port: await answeringSocket(t, answering) });
}

async function upnp(t: TestContext, behaviour: UpnpBehaviour = {}) {
  const fake = await fakeUpnp(t, behaviour);
  const router = upnpRouter({ gateway, search: { address: '127.0.0.1', port: fake.port } });
  return { router, calls: fake.calls };
}

const mapped: MappingAnswer = {
  kind: 'granted',
  granted: { externalPort: 5000, externalAddress: '203.0.113.5', seconds: 3600 },
};

function facts(answer: MappingAnswer): MappingAnswer {
  if (answer.kind !== 'granted') return answer;
  const { externalPort, externalAddress, seconds } = answer.granted;
  return { kind: 'granted', granted: { externalPort, externalAddress, seconds } };
}

test('B10 PCP over UDP: a lost request is repeated, and the removal has the same nonce and no time', async (t) => {
  const requests: Buffer[] = [];
  const router = await pcp(t, (request) => {
    requests.push(request);
    return requests.length === 1 ? [] : [pcpAnswer(request)];
  });
  assert.deepEqual(facts(await router.map(wish, never)), mapped);
  assert.equal(requests.length, 2);
  await router.unmap();
  const removal = requests.at(-1)!;
  assert.equal(removal.readUInt32BE(4), 0);
  assert.ok(removal.subarray(24, 36).equals(nonce));
  assert.deepEqual([removal.readUInt16BE(40), removal.readUInt16BE(42)], [4848, 0]);
  await router.unmap();
  assert.equal(requests.length, 3);
});

test('B10 NAT-PMP over UDP: the port, then the address of the router, and the removal', async (t) => {
  const requests: Buffer[] = [];
  const router = await natPmp(t, (request) => {
    requests.push(request);
    return [natPmpAnswer(request)];
  });
  assert.deepEqual(facts(await router.map(wish, never)), mapped);
  await router.unmap();
  assert.deepEqual(
    requests.map((request) => request.toString('hex')),
    ['0002000012f012f000000e10', '0000', '0002000012f0000000000000'],
  );
});

test('B10 a router that has no public address says so by NAT-PMP and by UPnP, and that is not taken for none told', async (t) => {
  const external = (answer: MappingAnswer): string | null =>
    answer.kind === 'refused' ? answer.externalAddress : answer.kind;
  const code = (request: Buffer): number => (request[1] === 2 ? 4 : 3);
  const older = await natPmp(t, (request) => [natPmpAnswer(request, { code: code(request) })]);
  assert.equal(external(await older.map(wish, never)), '0.0.0.0');
  const empty = '<u:GetExternalIPAddressResponse xmlns:u="x"><NewExternalIPAddress/></u:GetExternalIPAddressResponse>';
  const { router } = await upnp(t, { answer: ({ action }) => (action === 'GetExternalIPAddress' ? empty : 501) });
  assert.equal(external(await router.map(wish, never)), '0.0.0.0');
  const mute = await upnp(t, { answer: () => 501 });
  assert.equal(external(await mute.router.map(wish, never)), null);
});

test('B10 a refusal by PCP or NAT-PMP is told in words, and one that grants no time grants nothing', async (t) => {
  const reason = (answer: MappingAnswer): string => (answer.kind === 'refused' ? answer.reason : answer.kind);
  assert.match(
    reason(await (await pcp(t, (request) => [pcpAnswer(request, { code: 2 })])).map(wish, never)),
    /not allowed/,
  );
  assert.match(
    reason(await (await pcp(t, (request) => [pcpAnswer(request, { seconds: 0 })])).map(wish, never)),
    /no time/,
  );
  assert.match(
    reason(await (await natPmp(t, (request) => [natPmpAnswer(request, { code: 4 })])).map(wish, never)),
    /no room/,
  );
  assert.match(
    reason(await (await natPmp(t, (request) => [natPmpAnswer(request, { seconds: 0 })])).map(wish, never)),
    /no time/,
  );
});

test('L a gateway that answers nonsense, floods, or only speaks the older protocol counts as silent', async (t) => {
  const nonsense = await pcp(t, () => Array.from({ length: 50 }, () => Buffer.from('nonsense')));
  assert.equal((await nonsense.map(wish, never)).kind, 'silent');
  const older = await pcp(t, () => [Buffer.from('0081000100000001', 'hex')]);
  const began = performance.now();
  assert.equal((await older.map(wish, never)).kind, 'silent');
  assert.ok(performance.now() - began < 1500);
  const huge = await natPmp(t, () => [Buffer.alloc(60_000, 1)]);
  assert.equal((await huge.map(wish, never)).kind, 'silent');
});

test('L an answer from another address is not taken', async (t) => {
  // Asked at the gateway, answered from 127.0.0.3 to the port that asked.
  let asked = 0;
  const other = createSocket('udp4');
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.3', resolve));
  const router = await pcp(t, (request, from) => {
    asked += 1;
    other.send(pcpAnswer(request), from.port, from.address);
    return [];
  });
  assert.equal((await router.map(wish, never)).kind, 'silent');
  assert.equal(asked, 3);
});

test('L a gateway to which no route leads counts as silent, and none is found there', async () => {
  const gone = { address: '255.255.255.255', local: '127.0.0.1' };
  const search = { address: gone.address, port: 1900 };
  const routers = [pcpRouter({ gateway: gone, port: 5351 }, nonce), natPmpRouter({ gateway: gone, port: 5351 })];
  for (const router of [...routers, upnpRouter({ gateway: gone, search })]) {
    assert.deepEqual(await router.map(wish, never), { kind: 'silent' }, router.protocol);
    await router.unmap();
  }
  assert.equal(await localAddressTowards(gone.address), null);
});

test('B10 an attempt that is given up ends soon', async (t) => {
  const router = await pcp(t, () => []);
  const stopping = new AbortController();
  const answer = router.map(wish, stopping.signal);
  const began = performance.now();
  stopping.abort();
  assert.equal((await answer).kind, 'silent');
  assert.equal((await router.map(wish, stopping.signal)).kind, 'silent');
  assert.ok(performance.now() - began < 500);
});

const address =
  '<u:GetExternalIPAddressResponse xmlns:u="x"><NewExternalIPAddress>203.0.113.5</NewExternalIPAddress></u:GetExternalIPAddressResponse>';

test('B10 UPnP version 1: search, description, mapping, external address, removal', async (t) => {
  const { router, calls } = await upnp(t, {
    answer: ({ action }) => (action === 'GetExternalIPAddress' ? address : ''),
  });
  const answer = await router.map(wish, never);
  assert.deepEqual(answer, {
    kind: 'granted',
    granted: { externalPort: 4848, externalAddress: '203.0.113.5', seconds: 3600 },
  });
  assert.equal(calls[0]?.service, 'urn:schemas-upnp-org:service:WANIPConnection:1');
  assert.deepEqual(calls[0]?.values, {
    NewRemoteHost: '',
    NewExternalPort: '4848',
    NewProtocol: 'TCP',
    NewInternalPort: '4848',
    NewInternalClient: '127.0.0.1',
    NewEnabled: '1',
    NewPortMappingDescription: 'Chordial',
    NewLeaseDuration: '3600',
  });
  await router.unmap();
  const removal = calls.at(-1);
  assert.equal(removal?.action, 'DeletePortMapping');
  assert.deepEqual(removal?.values, { NewRemoteHost: '', NewExternalPort: '4848', NewProtocol: 'TCP' });
});

test('B10 UPnP version 2 lets the router choose the port, and falls back where it does not know how', async (t) => {
  const reserved =
    '<u:AddAnyPortMappingResponse xmlns:u="x"><NewReservedPort>5000</NewReservedPort></u:AddAnyPortMappingResponse>';
  const two = await upnp(t, {
    version: 2,
    answer: ({ action }) => ({ AddAnyPortMapping: reserved, GetExternalIPAddress: address })[action] ?? '',
  });
  assert.deepEqual(await two.router.map(wish, never), mapped);
  await two.router.unmap();
  assert.deepEqual(
    two.calls.filter(({ action }) => action === 'DeletePortMapping').map(({ values }) => values['NewExternalPort']),
    ['5000'],
  );
  const half = await upnp(t, { version: 2, answer: ({ action }) => (action === 'AddAnyPortMapping' ? 401 : '') });
  assert.equal((await half.router.map(wish, never)).kind, 'granted');
  assert.deepEqual(
    half.calls.map(({ action }) => action),
    ['AddAnyPortMapping', 'AddPortMapping', 'GetExternalIPAddress'],
  );
});

test('B10 error 725 asks for a lease without an end, and 718 for the next port', async (t) => {
  const permanent = await upnp(t, {
    answer: ({ action, values }) => (action === 'AddPortMapping' && values['NewLeaseDuration'] !== '0' ? 725 : ''),
  });
  const answer = await permanent.router.map(wish, never);
  assert.ok(answer.kind === 'granted' && answer.granted.seconds === 0 && answer.granted.externalPort === 4848);
  const taken = await upnp(t, {
    answer: ({ action, values }) =>
      action === 'AddPortMapping' && Number(values['NewExternalPort']) < 4851 ? 718 : '',
  });
  const next = await taken.router.map(wish, never);
  assert.ok(next.kind === 'granted' && next.granted.externalPort === 4851);
  await taken.router.unmap();
  const removals = taken.calls.filter(({ action }) => action === 'DeletePortMapping');
  assert.deepEqual(
    removals.map(({ values }) => values['NewExternalPort']),
    ['4851'],
  );
  const full = await upnp(t, { answer: ({ action }) => (action === 'AddPortMapping' ? 718 : '') });
  assert.equal((await full.router.map(wish, never)).kind, 'refused');
  assert.equal(full.calls.length, 9);
  const last = await full.router.map({ ...wish, externalPort: 65_535 }, never);
  assert.equal(last.kind, 'refused');
});

test('B10 what a router refuses is told in its words, short and printable', async (t) => {
  const reason = (answer: MappingAnswer): string => (answer.kind === 'refused' ? answer.reason : answer.kind);
  const strict = await upnp(t, { answer: () => 606 });
  assert.equal(reason(await strict.router.map(wish, never)), 'it is not allowed to this machine');
  const odd = await upnp(t, { answer: () => 799 });
  assert.equal(reason(await odd.router.map(wish, never)), 'error 799, "said so"');
});

test('L a router with UPnP that lies, redirects, stalls or floods is given up in time, and nothing elsewhere is called', async (t) => {
  const called: string[] = [];
  const elsewhere = await fakeUpnp(t, {
    serve: (request) => {
      called.push(request.url ?? '');
      return false;
    },
  });
  const strays: readonly (readonly [string, UpnpBehaviour, MappingAnswer['kind']?])[] = [
    ['a description on another host', { location: 'http://127.0.0.2:1/root.xml' }, 'silent'],
    ['an answer from another address', { from: '127.0.0.3' }, 'silent'],
    [
      'a redirect',
      { serve: (_, response) => done(response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}/` })) },
    ],
    ['a control URL elsewhere', { serve: served(() => description('http://127.0.0.2:1/control')) }],
    ['nonsense', { serve: served(() => 'nonsense') }],
    ['entities', { serve: served(() => '<!DOCTYPE x [<!ENTITY a "aaaa">]><root>&a;</root>') }],
    ['an endless document', { serve: endless('<root>') }],
    ['a huge length', { serve: (_, response) => done(response.writeHead(200, { 'content-length': 1e12 }), '<root/>') }],
    [
      'headers without end',
      { serve: (_, response) => done(response.writeHead(200, { 'x-long': 'x'.repeat(30_000) })) },
    ],
    ['silence', { serve: () => true }],
    ['drops', { serve: ({ socket }) => done(socket.destroy()) }],
    ['nonsense for an answer', { answer: () => envelope('<nothing/>') }],
  ];
  await Promise.all(
    strays.map(async ([what, behaviour, kind = 'refused']) => {
      const { router } = await upnp(t, behaviour);
      const began = performance.now();
      const answer = await router.map(wish, never);
      assert.equal(answer.kind, kind, what);
      assert.ok(performance.now() - began < 8000, what);
      await router.unmap();
    }),
  );
  assert.deepEqual(called, []);
});

type Serve = NonNullable<UpnpBehaviour['serve']>;

function served(text: () => string): Serve {
  return (_, response) => done(response, text());
}

function endless(piece: string): Serve {
  return (_, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(piece.repeat(1000)));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
    return true;
  };
}

function done(response: { end?: (text: string) => unknown }, text = ''): boolean {
  response.end?.(text);
  return true;
}

function description(control: string): string {
  return `<root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>${control}</controlURL></service></serviceList></device></root>`;
}
