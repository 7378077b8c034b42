import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { maxConnections, maxConnectionsPerNetwork, maxRequests, maxRequestsPerNetwork } from './limits.ts';
import { Connections, Requests, visitorOf } from './visitors.ts';

class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function entered(connections: Connections, address: string): FakeSocket {
  const socket = new FakeSocket(address);
  connections.enter(socket as unknown as Socket);
  return socket;
}

test('one network gets so many connections, and when all are taken the one with most gives up its oldest', () => {
  const connections = new Connections();
  const crowd = Array.from({ length: 1000 }, (_, index) => entered(connections, `2001:db8::${index.toString(16)}`));
  assert.equal(crowd.filter(({ destroyed }) => !destroyed).length, maxConnectionsPerNetwork);
  const local = Array.from({ length: maxConnections }, () => entered(connections, '::ffff:127.0.0.1'));
  assert.equal(connections.size, maxConnections);
  assert.equal(entered(connections, '203.0.113.7').destroyed, false);
  assert.equal(connections.size, maxConnections);
  assert.equal(local[maxConnectionsPerNetwork]?.destroyed, true, 'the oldest of the most goes first');
  assert.equal(local.at(-1)?.destroyed, false);
  assert.equal(crowd[0]?.destroyed, false);
  connections.closeAll();
  assert.equal(connections.size, 0);
});

test('requests are counted until their end, for a network and for all', () => {
  const requests = new Requests();
  const ends = Array.from({ length: maxRequestsPerNetwork }, () => requests.enter('a'));
  assert.throws(() => requests.enter('a'), { code: 'too-many-requests', message: /from this address/ });
  for (let other = 0; requests.size < maxRequests; other++) requests.enter(`b${Math.floor(other / 60)}`);
  assert.throws(() => requests.enter('new'), { code: 'too-many-requests' });
  ends[0]?.();
  requests.enter('new');
  assert.equal(requests.size, maxRequests);
});

test('only a proxy on this machine says where a visitor comes from', () => {
  const of = (remoteAddress: string, forwarded?: string) =>
    visitorOf({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as unknown as IncomingMessage);
  assert.equal(of('127.0.0.1', '198.51.100.9, 203.0.113.5'), '203.0.113.5');
  assert.equal(of('::1', '2001:db8:1:2:3::4'), '2001:db8:1:2::/64');
  assert.equal(of('127.0.0.1', 'nonsense'), of('127.0.0.1'));
  assert.equal(of('203.0.113.6', '198.51.100.9'), '203.0.113.6');
});
