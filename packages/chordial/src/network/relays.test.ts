import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { test } from 'node:test';
import type { HostId } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { decodeQuestion } from './control-frames.ts';
import { createIdentity } from './identity.ts';
import { decodeCall, tokenText } from './relay-messages.ts';
import { maxTunnelsPerHost, maxTunnelsToHost, Relays, spareTunnelMilliseconds } from './relays.ts';

class FakeStream extends EventEmitter {
  closed = false;
  readonly destroyed = false;
  readonly writableEnded = false;
  readonly writableLength = 0;
  setTimeout(): void {}
  respond(): void {}
  written: Buffer = Buffer.alloc(0);
  write(bytes: Buffer): boolean {
    this.written = bytes;
    return true;
  }
  close(): void {
    this.closed = true;
    this.emit('close');
  }
}

/** A relay at which one host is registered, which takes every call. */
function relayWithHost() {
  const { clock, pass } = virtualClock();
  const relays = new Relays({ clock, bytesPerSecond: 1e6, canRelayFor: () => true, isHidden: () => false });
  const host = createIdentity().host;
  const registration = new FakeStream();
  relays.register(registration as unknown as ServerHttp2Stream, host, '192.0.2.1');
  const open = (from: HostId): FakeStream => {
    const stream = new FakeStream();
    relays.connect(stream as unknown as ServerHttp2Stream, from, host);
    const { kind, body } = decodeQuestion(registration.written.subarray(questionHeadBytes));
    const token = tokenText(decodeCall(kind, body)!.token);
    relays.connect(new FakeStream() as unknown as ServerHttp2Stream, host, token);
    return stream;
  };
  const beats = (seconds: number): void => {
    for (let second = 0; second < seconds; second++) {
      registration.emit('data', Buffer.alloc(1));
      pass(1000);
    }
  };
  return { relays, open, beats };
}

/** Length and id. */
const questionHeadBytes = 8;
const busy = { code: 'busy' };

test('B10 hosts that take all tunnels to a hidden one give way to another', () => {
  const { relays, open } = relayWithHost();
  const many = Array.from({ length: maxTunnelsToHost / maxTunnelsPerHost }, () => createIdentity().host);
  const taken = many.flatMap((from) => Array.from({ length: maxTunnelsPerHost }, () => open(from)));
  assert.throws(() => open(many[0]!), busy);
  const other = createIdentity().host;
  const ofOther = Array.from({ length: maxTunnelsPerHost - 2 }, () => open(other));
  assert.equal(taken.filter(({ closed }) => closed).length, ofOther.length);
  assert.ok(ofOther.every(({ closed }) => !closed));
  assert.equal(relays.counts.tunnels, maxTunnelsToHost);
});

test('B10 where all are taken, a tunnel on which nothing has moved for long gives way', () => {
  const { open, beats } = relayWithHost();
  const [idle, ...others] = Array.from({ length: maxTunnelsToHost }, () => open(createIdentity().host));
  assert.throws(() => open(createIdentity().host), busy);
  for (let time = 0; time <= spareTunnelMilliseconds; time += 10_000) {
    beats(10);
    for (const stream of others) stream.emit('data', Buffer.alloc(1));
  }
  assert.equal(idle!.closed, false);
  open(createIdentity().host);
  assert.equal(idle!.closed, true);
  assert.ok(others.every(({ closed }) => !closed));
});
