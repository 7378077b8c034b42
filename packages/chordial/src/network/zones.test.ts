import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createIdentity } from './identity.ts';
import { isZone, zoneOfAddresses, zoneOfName } from './zones.ts';

test('a zone has one spelling, whatever case, space and composition it was given in', () => {
  assert.equal(zoneOfName(' Rack-A '), 'rack-a');
  assert.equal(zoneOfName('K\u00fcche'), zoneOfName('ku\u0308CHE'));
  assert.equal(zoneOfName('stra\u00dfe'), zoneOfName('STRASSE'));
  for (const wrong of ['', ' ', 'a b', '-a', '.', 'a/b', 'a\u202eb', 'a'.repeat(65), '\u00df'.repeat(40)])
    assert.equal(zoneOfName(wrong), null, wrong);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 70 }), (text) => {
      const zone = zoneOfName(text);
      if (zone === null) return;
      assert.equal(zoneOfName(zone), zone);
      assert.equal(zoneOfName(text.toUpperCase()), zone);
      assert.ok(isZone(zone));
    }),
    { numRuns: 2000 },
  );
});

test('only the one spelling is taken from the network', () => {
  for (const wrong of [null, 1, '', 'Rack-A', ' a', 'ku\u0308che', 'a b', 'a'.repeat(65), new Uint8Array(3)])
    assert.equal(isZone(wrong), false, String(wrong));
  assert.equal(isZone('rack-a'), true);
});

test('without a name the network of the first public address is the zone, and no private one', () => {
  for (const [addresses, zone] of [
    [[], null],
    [['192.168.1.7:4848', '127.0.0.1:4848', '10.1.2.3', '172.16.0.1:1', '100.64.0.1:1', '169.254.1.1:1'], null],
    [['peer.example.org:4848', '[fe80::1]:4848', '[fd00::1]:4848', '[::1]:4848', '[2001:db8::1]:1'], null],
    [['192.168.1.7:4848', '1.2.3.4:4848', '5.6.7.8:4848'], '1.2.3.0-24'],
    [['1.2.3.250'], '1.2.3.0-24'],
    [['::ffff:1.2.3.250'], '1.2.3.0-24'],
    [['[2a02:8388:1a0:4cff::7]:4848'], '2a02.8388.1a0.4c00-56'],
    [['2a02::7'], '2a02.0.0.0-56'],
    [['not an address', ''], null],
    [[`relay:${createIdentity().host}@1.2.3.4:4848`], null],
  ] as const) {
    assert.equal(zoneOfAddresses(addresses), zone, addresses.join());
    if (zone !== null) assert.ok(isZone(zone));
  }
});
