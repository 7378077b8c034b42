import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHelloAnswer, decodeHelloAsk, encodeHelloAnswer, encodeHelloAsk } from './hello.ts';
import { createIdentity } from './identity.ts';
import { TransportError } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

const contact = { host: createIdentity().host, addresses: ['192.0.2.1:4848'] };
const papers = { shown: [new Uint8Array(32).fill(1)], name: 'anna@laptop', epoch: 7 };
const none = { shown: [], name: null, epoch: 0 };

test('HELLO and its answer come back as they were sent', () => {
  for (const ask of [
    { network: null, contact, ...none },
    { network: 'ab'.repeat(32), contact, ...papers },
  ]) {
    assert.deepEqual(decodeHelloAsk(decodeBody(encodeBody(encodeHelloAsk(ask)))), ask);
  }
  const bytes = papers.shown[0]!;
  for (const answer of [
    { genesis: bytes, contact, observedAddress: '::1', ...papers, admission: null, links: [] },
    { genesis: bytes, contact, observedAddress: '::1', ...none, admission: bytes, links: [bytes] },
  ])
    assert.deepEqual(decodeHelloAnswer(decodeBody(encodeBody(encodeHelloAnswer(answer)))), answer);
});

test('another version is told by number', () => {
  const wire = encodeHelloAsk({ network: null, contact, ...none }) as unknown[];
  assert.throws(() => decodeHelloAsk([1, ...wire.slice(1)]), { failure: 'refused', message: /version 1.*version 2/ });
});

test('whatever else is sent for HELLO is refused, never worse', () => {
  const good = encodeHelloAsk({ network: null, contact, ...papers }) as unknown[];
  const anything = fc.anything({ withBigInt: true, withTypedArray: true });
  fc.assert(
    fc.property(fc.nat(8), anything, (position, value) => {
      for (const decode of [decodeHelloAsk, decodeHelloAnswer]) {
        for (const wire of [value, good.with(Math.min(position, good.length - 1), value)]) {
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
