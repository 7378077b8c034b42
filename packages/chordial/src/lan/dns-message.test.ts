import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualLan } from '../../test/fixtures/virtual-lan.ts';
import { decodeMessage, encodeMessage, maxMessageBytes, maxRecords, query, response } from './dns-message.ts';
import { recordsOf, serviceType } from './service.ts';

const records = recordsOf({ label: '0123456789abcdef', port: 4848, tag: 'f'.repeat(16) }, ['10.0.0.1', '2001:db8::1']);
const whole = Buffer.from(encodeMessage(response({ answers: records, additionals: records })));

test('B10 messages are read as they were written', () => {
  for (const message of [
    response({ answers: records, additionals: records }),
    query({ questions: [{ name: serviceType, type: 'PTR' }], answers: records.slice(0, 1), authorities: records }),
    query({ questions: [{ name: serviceType, type: 'ANY' }], isTruncated: true }),
  ]) {
    assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  }
});

test('B10 hostile bytes give a message within bounds or none, and nothing that follows throws', () => {
  const wire = new VirtualLan();
  const { lan } = wire.machine({ eth0: ['home', '10.0.0.1'] });
  wire.time.pass(5000);
  const changed = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 }).map((edits) => {
    const bytes = Buffer.from(whole);
    for (const [at, value] of edits) bytes[at] = value;
    return bytes;
  });
  const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  const any = fc.oneof(changed, cut, random);
  fc.assert(
    fc.property(any, (bytes) => {
      const message = decodeMessage(bytes);
      const all = message === null ? [] : [...message.answers, ...message.authorities, ...message.additionals];
      assert.ok(all.length <= maxRecords);
      for (const { name, ttl } of all) assert.ok(name.length <= 255 && ttl >= 0 && ttl < 2 ** 31);
      wire.inject('home', '10.0.0.66', Buffer.concat([bytes, Buffer.from('chordial')]));
      wire.time.pass(100);
    }),
    { numRuns: 2000 },
  );
  for (const { label, addresses, port } of lan.heard) {
    assert.match(label, /^[a-z0-9-]{1,63}$/);
    assert.ok(port > 0 && port < 65_536);
    for (const address of addresses) assert.match(address, /^10\.0\.0\./);
  }
});

test('B10 messages beyond the limits, of other kinds and with names that point in circles are refused', () => {
  assert.equal(decodeMessage(new Uint8Array(11)), null);
  assert.equal(decodeMessage(new Uint8Array(maxMessageBytes + 1)), null);
  const many = Buffer.from(whole);
  many.writeUInt16BE(0xffff, 6);
  assert.equal(decodeMessage(many), null);
  const questions = Buffer.from(whole);
  questions.writeUInt16BE(65, 4);
  assert.equal(decodeMessage(questions), null);
  const update = Buffer.from(whole);
  update.writeUInt16BE(0x2800, 2);
  assert.equal(decodeMessage(update), null);
  const failure = Buffer.from(whole);
  failure.writeUInt16BE(0x8403, 2);
  assert.equal(decodeMessage(failure), null);
  const circle = Buffer.from('000084000000000100000000c00cc00c000100010000007800040a000001', 'hex');
  assert.equal(decodeMessage(circle), null);
});
