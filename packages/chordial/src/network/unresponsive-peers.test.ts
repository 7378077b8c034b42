import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { contactOf, virtualClock } from '@chordial/ring/testing';
import { type Transport, TransportError, type Wire } from './transport.ts';
import { UnresponsivePeers } from './unresponsive-peers.ts';

/** A transport whose answers the test gives. */
function setUp() {
  const { clock, pass } = virtualClock();
  const asked: PromiseWithResolvers<Wire>[] = [];
  const ask = () => {
    const answer = Promise.withResolvers<Wire>();
    asked.push(answer);
    return answer.promise;
  };
  const transport = { self: 'me', request: ask, stream: ask, ping: ask } as unknown as Transport;
  const unresponsivePeers = new UnresponsivePeers(clock);
  const watched = unresponsivePeers.watch(transport);
  const question = (): Promise<Wire> => watched.request(contactOf('a'), 'records.get', {}, { deadline: 1500 });
  return { unresponsivePeers, watched, asked, question, pass };
}

test('A5 a host is silent from 150 ms without an answer until it answers', async () => {
  const { unresponsivePeers, asked, question, pass } = setUp();
  const first = question();
  pass(149);
  assert.equal(unresponsivePeers.isSilent('a' as never), false);
  pass(1);
  assert.equal(unresponsivePeers.isSilent('a' as never), true);
  assert.deepEqual(
    unresponsivePeers.responsiveFirst(['a', 'b', 'c'], (host) => host as never),
    ['b', 'c', 'a'],
  );
  const second = question();
  asked[1]!.resolve({});
  await second;
  assert.equal(unresponsivePeers.isSilent('a' as never), false, 'one answer is enough, whatever else is open');
  asked[0]!.resolve({});
  await first;
});

test('A5 a host that cannot be reached is silent for 2 s, one that refuses is not', async () => {
  const { unresponsivePeers, asked, question, pass } = setUp();
  const failed = question();
  asked[0]!.reject(new TransportError('unreachable', 'no one there'));
  await assert.rejects(failed);
  assert.equal(unresponsivePeers.isSilent('a' as never), true);
  pass(2000);
  assert.equal(unresponsivePeers.isSilent('a' as never), false);
  const refused = question();
  asked[1]!.reject(new TransportError('refused', 'no'));
  await assert.rejects(refused);
  assert.equal(unresponsivePeers.isSilent('a' as never), false);
});

test('A5 storing bytes takes its time and is no silence', () => {
  const { unresponsivePeers, watched, pass } = setUp();
  const payload = (async function* () {})();
  watched.stream(contactOf('a'), 'blocks.put', { header: {}, payload }, { deadline: 5000 });
  pass(1000);
  assert.equal(unresponsivePeers.isSilent('a' as never), false);
  watched.stream(contactOf('a'), 'blocks.get', { header: {} }, { deadline: 5000 });
  pass(150);
  assert.equal(unresponsivePeers.isSilent('a' as never), true);
});

test('B10 hosts whose bytes a relay would carry come after those that it would not, and before silent ones', async () => {
  const { clock, pass } = virtualClock();
  const peers = new UnresponsivePeers(clock, (host) => host.startsWith('hidden'));
  const open = ['b', 'a'] as HostId[];
  assert.equal(
    peers.responsiveFirst(open, (host) => host),
    open,
  );
  const never = new Promise<never>(() => undefined);
  const transport = { self: 'me', request: () => never } as unknown as Transport;
  void peers.watch(transport).request(contactOf('silent'), 'records.get', {}, { deadline: 1500 });
  pass(200);
  const asked = ['silent', 'hidden 1', 'open 1', 'hidden 2', 'open 2'] as HostId[];
  assert.deepEqual(
    peers.responsiveFirst(asked, (host) => host),
    ['open 1', 'open 2', 'hidden 1', 'hidden 2', 'silent'],
  );
});

test('no host is responsible for a silence on this side', async () => {
  const { unresponsivePeers, asked, question, pass } = setUp();
  const [first, second] = [question(), question()];
  asked[0]!.reject(new TransportError('unreachable', 'no route'));
  await assert.rejects(first);
  pass(200);
  assert.equal(unresponsivePeers.isSilent('a' as never), true);
  unresponsivePeers.forgive();
  assert.equal(unresponsivePeers.isSilent('a' as never), false);
  pass(200);
  assert.equal(unresponsivePeers.isSilent('a' as never), true, 'what is still open counts from then on');
  asked[1]!.resolve({});
  await second;
});
