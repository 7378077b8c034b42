import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readXml } from '../xml.ts';
import {
  decodeCall,
  encodeCall,
  encodeSearch,
  locationIn,
  onGateway,
  searchTargets,
  serviceIn,
} from './upnp-messages.ts';

const gateway = '192.168.1.1';
const location = 'http://192.168.1.1:5000/root.xml';

function found(lines: readonly string[]): Buffer {
  return Buffer.from([...lines, '', ''].join('\r\n'));
}

const answer = ['HTTP/1.1 200 OK', 'CACHE-CONTROL: max-age=120', `ST: ${searchTargets[1]}`, `LOCATION: ${location}`];

test('B10 a search asks for gateways, and its answer names where the gateway describes itself', () => {
  const search = encodeSearch(searchTargets[0]).toString();
  assert.match(search, /^M-SEARCH \* HTTP\/1\.1\r\nHOST: 239\.255\.255\.250:1900\r\n/);
  assert.match(search, /\r\nMAN: "ssdp:discover"\r\nMX: 1\r\nST: urn:\S+:InternetGatewayDevice:2\r\n\r\n$/);
  assert.equal(locationIn(found(answer), gateway), location);
  assert.equal(
    locationIn(found(answer.map((line) => line.replace('LOCATION:', 'Location :').replace(' :', ':'))), gateway),
    location,
  );
});

test('L an answer that leads elsewhere, is too long, or answers something else counts for nothing', () => {
  const leading = (to: string): Buffer => found([...answer.slice(0, 3), `LOCATION: ${to}`]);
  for (const to of [
    'http://192.168.1.2:5000/root.xml',
    'http://router.example.org/root.xml',
    'https://192.168.1.1/root.xml',
    'http://user:password@192.168.1.1/root.xml',
    'http://192.168.1.1@192.0.2.66/',
    'file:///etc/passwd',
    'nonsense',
    '',
  ])
    assert.equal(locationIn(leading(to), gateway), null, to);
  assert.equal(locationIn(found(answer.slice(0, 3)), gateway), null);
  assert.equal(locationIn(found(['HTTP/1.1 404 Not Found', ...answer.slice(1)]), gateway), null);
  assert.equal(locationIn(found([...answer.slice(0, 2), 'ST: upnp:rootdevice', ...answer.slice(3)]), gateway), null);
  assert.equal(locationIn(Buffer.concat([found(answer), Buffer.alloc(5000, 'x')]), gateway), null);
});

function service(type: string, control: string): string {
  return `<service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${control}</controlURL></service>`;
}

function device(inside: string, base = ''): string {
  return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">${base}<device><deviceList><device><deviceList><device><serviceList>${inside}</serviceList></device></deviceList></device></deviceList></device></root>`;
}

test('B10 the description names the service that maps ports: version 2 before 1, IP before PPP', () => {
  const all =
    service('WANPPPConnection:1', '/ppp') + service('WANIPConnection:1', '/one') + service('WANIPConnection:2', '/two');
  const two = serviceIn(device(all), location, gateway);
  assert.equal(two?.control.href, 'http://192.168.1.1:5000/two');
  assert.equal(two?.choosesPort, true);
  const one = serviceIn(device(service('WANIPConnection:1', 'one')), location, gateway);
  assert.deepEqual([one?.control.href, one?.choosesPort], ['http://192.168.1.1:5000/one', false]);
  const ppp = serviceIn(
    device(service('WANPPPConnection:1', '/ppp'), '<URLBase>http://192.168.1.1:80/</URLBase>'),
    location,
    gateway,
  );
  assert.equal(ppp?.control.href, 'http://192.168.1.1/ppp');
  assert.equal(
    serviceIn(`${device(service('WANIPConnection:1', '/one'))}\n\0\0`, location, gateway)?.control.pathname,
    '/one',
  );
});

test('L a control URL on another host is not called, and a description without one names no service', () => {
  for (const inside of [
    service('WANIPConnection:1', 'http://192.0.2.66/steal'),
    service('WANIPConnection:1', '//192.0.2.66/steal'),
    service('Layer3Forwarding:1', '/l3f'),
    '',
  ])
    assert.equal(serviceIn(device(inside), location, gateway), null, inside);
  const base = device(service('WANIPConnection:1', '/one'), '<URLBase>http://192.0.2.66/</URLBase>');
  assert.equal(serviceIn(base, location, gateway), null);
  assert.equal(onGateway('http://192.168.1.1:5000/x', gateway)?.port, '5000');
});

test('L XML with entities, a document type, too much depth or too many elements is not read', () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>`;
  for (const document of [
    bomb,
    '<x>&a;</x>',
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    '<x><y></x>',
    '<x/><y/>',
    'nonsense',
    '',
    '<x>'.repeat(30) + '</x>'.repeat(30),
    `<x>${'<y/>'.repeat(5000)}</x>`,
    '<x',
  ])
    assert.equal(readXml(document), null, document.slice(0, 60));
  assert.deepEqual(readXml('<a:x> b &amp; <y><![CDATA[<c>]]></y></a:x>'), {
    name: 'x',
    text: 'b &',
    children: [{ name: 'y', text: '<c>', children: [] }],
  });
  assert.ok((readXml(`<x>${'y'.repeat(100_000)}</x>`)?.text.length ?? 0) <= 2048);
});

test('B10 calls and their answers, errors included', () => {
  const type = 'urn:schemas-upnp-org:service:WANIPConnection:1';
  const call = encodeCall(type, 'AddPortMapping', [
    ['NewExternalPort', 4848],
    ['NewPortMappingDescription', 'a<b&c'],
  ]);
  assert.match(call, new RegExp(`<u:AddPortMapping xmlns:u="${type}"><NewExternalPort>4848</NewExternalPort>`));
  assert.match(call, /<NewPortMappingDescription>a&lt;b&amp;c</);
  assert.notEqual(readXml(call), null);
  const wrapped = (inside: string): string =>
    `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${inside}</s:Body></s:Envelope>`;
  const done = wrapped(
    '<u:AddAnyPortMappingResponse xmlns:u="x"><NewReservedPort>5000</NewReservedPort></u:AddAnyPortMappingResponse>',
  );
  assert.deepEqual(decodeCall(done, 'AddAnyPortMapping'), { kind: 'done', values: { NewReservedPort: '5000' } });
  assert.deepEqual(decodeCall(done, 'AddPortMapping'), { kind: 'nonsense' });
  const error = (code: string): string =>
    wrapped(
      `<s:Fault><detail><UPnPError><errorCode>${code}</errorCode><errorDescription>OnlyPermanentLeasesSupported</errorDescription></UPnPError></detail></s:Fault>`,
    );
  assert.deepEqual(decodeCall(error('725'), 'AddPortMapping'), {
    kind: 'failed',
    code: 725,
    text: 'OnlyPermanentLeasesSupported',
  });
  assert.deepEqual(decodeCall(error('many'), 'AddPortMapping'), { kind: 'nonsense' });
  assert.deepEqual(decodeCall('', 'AddPortMapping'), { kind: 'nonsense' });
});

test('L whatever a router writes, it is read or refused', () => {
  const pieces = [
    '<a>',
    '</a>',
    '<b:c>',
    '</b:c>',
    '<service>',
    '</service>',
    '&amp;',
    '&x;',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    'x',
    '\0',
    '<?',
    '?>',
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string())), (parts) => {
      const text = parts.join('');
      readXml(text);
      serviceIn(text, location, gateway);
      decodeCall(text, 'AddPortMapping');
      locationIn(Buffer.from(text), gateway);
    }),
  );
});
