import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { PeerQueue, PerPeer, type Queued } from './peer-queue.ts';

const host = (name: string, port = 1): Contact => ({
  host: name as HostId,
  addresses: [`192.0.2.1:${port}`],
});
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Item extends Queued {
  readonly name: string;
}

/** At most two batches of two; each ends when told. */
function queueOfTwos() {
  const { clock, pass } = virtualClock();
  const sent: { readonly names: string; readonly end: () => void }[] = [];
  const failed: string[] = [];
  const queue: PeerQueue<Item> = new PeerQueue('a' as HostId, clock, {
    nextBatch: () => (queue.batchesInFlight < 2 ? queue.waiting.take(2) : []),
    carry: (batch) => {
      const { promise, resolve: end } = Promise.withResolvers<void>();
      sent.push({ names: batch.map(({ name }) => name).join(), end });
      return promise;
    },
  });
  const push = (name: string): boolean =>
    queue.push({ name, since: clock.now(), failed: (error) => failed.push(`${name}: ${error.message}`) });
  return { queue, push, sent, failed, pass, names: () => sent.map(({ names }) => names) };
}

test('what is handed in together goes together, and the rest when a batch has ended', async () => {
  const { queue, push, sent, names } = queueOfTwos();
  for (const name of ['a', 'b', 'c', 'd', 'e']) push(name);
  assert.deepEqual(names(), []);
  await turn();
  assert.deepEqual(names(), ['a,b', 'c,d']);
  assert.equal(queue.itemsInFlight, 4);
  sent[1]?.end();
  await turn();
  assert.deepEqual(names(), ['a,b', 'c,d', 'e']);
  assert.equal(queue.idle, false);
  for (const { end } of sent) end();
  await turn();
  assert.deepEqual([queue.itemsInFlight, queue.idle], [0, true]);
});

test('a host that failed is avoided: what waits for it fails at once, and so does what comes meanwhile', async () => {
  const { queue, push, sent, failed, pass, names } = queueOfTwos();
  for (const name of ['a', 'b', 'c', 'd', 'e']) push(name);
  await turn();
  queue.avoid(1000, new Error('broken'));
  assert.equal(push('f'), false);
  assert.deepEqual(failed, ['e: broken', 'f: a failed a moment ago.']);
  for (const { end } of sent) end();
  await turn();
  assert.equal(queue.idle, false);
  pass(1000);
  assert.equal(queue.idle, true);
  assert.equal(push('g'), true);
  await turn();
  assert.equal(names().at(-1), 'g');
});

test('it is stalled when something is in flight without progress, not while nothing is', async () => {
  const { queue, push, sent, pass } = queueOfTwos();
  pass(5000);
  assert.equal(queue.isStalled(1000), false);
  push('a');
  await turn();
  pass(1000);
  assert.equal(queue.isStalled(1000), false);
  pass(1);
  assert.equal(queue.isStalled(1000), true);
  queue.progress();
  assert.equal(queue.isStalled(1000), false);
  pass(2000);
  sent[0]?.end();
  await turn();
  assert.equal(queue.isStalled(1000), false);
});

test('one host has one queue, which learns of its new address, and idle ones are dropped', () => {
  let made = 0;
  const busy = new Set<Contact>();
  const queues = new PerPeer((contact: Contact) => {
    made += 1;
    return {
      contact,
      get idle() {
        return !busy.has(contact);
      },
    };
  });
  const first = queues.to(host('a'));
  assert.equal(queues.to(host('a')), first);
  assert.equal(queues.to(host('a', 2)), first);
  assert.deepEqual(first.contact, host('a', 2));
  const kept = queues.to(host('kept'));
  busy.add(kept.contact);
  for (let other = 0; other < 300; other++) queues.to(host(`other ${other}`));
  const before = made;
  assert.equal(queues.to(host('kept')), kept);
  assert.equal(made, before);
  queues.to(host('other 0'));
  assert.equal(made, before + 1);
});
