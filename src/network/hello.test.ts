import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHelloAnswer, decodeHelloAsk, encodeHelloAnswer, encodeHelloAsk } from './hello.ts';
import { createIdentity } from './identity.ts';
import { TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

const contact = { host: createIdentity().host, addresses: ['192.0.2.1:4848'] };
const proof = new Uint8Array(32).fill(1);

test('HELLO and its answer come back as they were sent', () => {
  for (const ask of [
    { network: null, contact, zone: null, proof: null },
    { network: 'ab'.repeat(32), contact, zone: 'attic', proof },
  ]) {
    assert.deepEqual(decodeHelloAsk(decodeBody(encodeBody(encodeHelloAsk(ask)))), ask);
  }
  const answer = { genesis: proof, contact, zone: null, observedAddress: '::1', proof, secret: null };
  assert.deepEqual(decodeHelloAnswer(decodeBody(encodeBody(encodeHelloAnswer(answer)))), answer);
});

test('another version is told by number', () => {
  const wire = encodeHelloAsk({ network: null, contact, zone: null, proof: null }) as unknown[];
  assert.throws(() => decodeHelloAsk([2, ...wire.slice(1)]), { failure: 'refused', message: /version 2.*version 1/ });
});

test('whatever else is sent for HELLO is refused, never worse', () => {
  const good = encodeHelloAsk({ network: null, contact, zone: 'x', proof }) as unknown[];
  const anything = fc.anything({ withBigInt: true, withTypedArray: true });
  fc.assert(
    fc.property(fc.nat(5), anything, (position, value) => {
      for (const decode of [decodeHelloAsk, decodeHelloAnswer]) {
        for (const wire of [value, good.with(Math.min(position, 4), value)]) {
          try {
            decode(wire);
          } catch (error) {
            assert.ok(error instanceof TransportError, String(error));
          }
        }
      }
    }),
  );
});
