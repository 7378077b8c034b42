import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualClock } from '@chordial/ring/testing';
import { encodeMessage, response } from './dns-message.ts';
import { HeardPeers } from './heard-peers.ts';
import { Link, linkRate, type Received, workRate } from './link.ts';
import { recordsOf } from './service.ts';

/** An interface of 10.0.0.1/8, where reading a message takes so long. */
function linkOn({ readingTakes }: { readonly readingTakes: number }) {
  const time = virtualClock();
  let extra = 0;
  const clock = {
    ...time.clock,
    now: () => time.clock.now() + extra,
  };
  const random = { next: () => 0.5 };
  const heard = new HeardPeers({ clock: time.clock, random });
  let receive: (received: Received) => void = () => undefined;
  let sent = 0;
  const ports = {
    clock,
    random,
    heard,
    isOwn: () => false,
    isOwnLabel: () => {
      extra += readingTakes;
      return false;
    },
    conflict: () => undefined,
    changed: () => undefined,
  };
  const local = { name: 'eth0', addresses: [{ address: '10.0.0.1', prefix: 8 }] };
  const link = new Link(local, ports, (given) => {
    receive = given;
    return {
      send: () => {
        sent += 1;
      },
      close: () => undefined,
      fault: null,
    };
  });
  const tells = (count: number) => {
    const records = recordsOf({ label: 'peer', port: 4848, tag: '0123456789abcdef' }, ['10.0.0.2']);
    const bytes = Buffer.from(encodeMessage(response({ answers: records })));
    for (let index = 0; index < count; index++) receive({ bytes, source: `10.1.${index >> 8}.${index & 255}` });
  };
  return { link, heard, tells, pass: time.pass, sent: () => sent };
}

test('L messages that take long to read are read for a fifth of the time, from all senders together', () => {
  const slow = linkOn({ readingTakes: 10 });
  slow.tells(900);
  const read = slow.link.counts.received - slow.link.counts.dropped;
  const most = workRate.burst / 10 / (1 - workRate.perSecond / 1000);
  assert.ok(read > most / 2 && read <= most + 1, `${read} read`);
  const fast = linkOn({ readingTakes: 0 });
  fast.tells(linkRate.burst);
  assert.equal(fast.link.counts.dropped, 0);
});

test('L what still comes for an interface that is gone is not read, and nothing is sent there', () => {
  const { link, heard, tells, pass, sent } = linkOn({ readingTakes: 0 });
  link.close();
  const before = sent();
  tells(3);
  pass(200_000);
  assert.equal(heard.list().length, 0);
  assert.equal(sent(), before);
});
