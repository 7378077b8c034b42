import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact, HostId } from '@chordial/ring';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { TransportError, type Wire } from '../network/transport.ts';
import type { RepairState } from '../replication/repair-progress.ts';
import { Registry } from '../wire/message.ts';
import { copiesOf, healthOf, ofCopies, ofDisks } from './health.ts';
import { type PeerReport, PeerReports, reportMessages } from './peer-reports.ts';
import type { CopiesHealth } from './shown-health.ts';

const report: PeerReport = { quota: 1000, used: 100, cached: 0, room: 900, lacking: 0, rare: 0, version: '1' };
const disk = (about: Partial<PeerReport>, name = 'anna') => ({ id: name, name, isSelf: false, ...report, ...about });
const member = { ringId: '0b', predecessor: null, successors: [], fingers: [] };
const now = Date.parse('2026-01-05T12:00:00Z');

function copies(lacking: readonly (number | null)[], repair: Partial<RepairState> = {}, alive = lacking.length - 1) {
  return copiesOf({
    node: { replicas: 3, virtualNodes: [member] },
    alive: Array.from({ length: alive }, () => ({ virtualNodes: 12 })),
    disks: lacking.map((one) => disk({ lacking: one })),
    repair: { lacking: lacking[0] ?? null, remaining: null, graceLeft: null, rare: [], ...repair },
    clock: { wallTime: () => now },
  });
}

test('health says whether everything has its copies, what is made until when, and what waits for a peer', () => {
  assert.equal(copies([0, 0, 0]).state, 'whole');
  assert.match(ofCopies(copies([0, 0, 0])).text, /^everything has its 3 copies, as all 3 peers say$/);
  assert.match(ofCopies(copies([0, 0, 0], {}, 4)).text, /as 3 of 5 peers say/);
  const repairing = copies([10, 5, null], { remaining: 60_000 });
  assert.deepEqual([repairing.state, repairing.lacking], ['repairing', 15]);
  assert.equal(repairing.until, '2026-01-05T12:01:00.000Z');
  assert.match(ofCopies(repairing).text, /^15 copies of 3 each are being made, until about .*Nothing is to be done/);
  const waiting = copies([10, 0, 0], { graceLeft: 20_000 });
  assert.deepEqual([waiting.state, waiting.waitsUntil], ['waiting', '2026-01-05T12:00:20.000Z']);
  assert.match(ofCopies(waiting).text, /unless they return/);
  assert.match(ofCopies(copies([0, 0])).text, /^2 peers can hold only 2 of the 3 copies\. Start more/);
  assert.equal(copies([null, null, null]).state, 'unknown');
  const levels = [[0, 0, 0], [1, 0, 0], [0]].map((one) => ofCopies(copies(one) as CopiesHealth).level);
  assert.deepEqual(levels, ['good', 'note', 'note']);
});

test('health says which disk is full, by quota or by the disk, and what to do', () => {
  assert.match(
    ofDisks([disk({}), disk({ quota: 0, used: 0, room: 0 }, 'a client')])[0]!.text,
    /^1 peer holds 100 B and has room/,
  );
  const [tight] = ofDisks([disk({}), disk({ used: 900, room: 100 }, 'nas')]);
  assert.deepEqual([tight?.level, /^nas holds 900 B.*larger quota/.test(tight?.text ?? '')], ['note', true]);
  const [full] = ofDisks([{ ...disk({ used: 900, room: 0 }), isSelf: true }]);
  assert.deepEqual(
    [full?.level, /^this peer holds.*Free some space on its disk/.test(full?.text ?? '')],
    ['bad', true],
  );
});

test('health names files whose blocks have too few copies', async () => {
  await using served = await ServedPeer.open();
  const cid = cidOfBlock(rawCodec, Buffer.from('rare'));
  const rare = [0, 1].map(() => ({ cid, copies: 1 }));
  const found = await healthOf({
    clock: { now: () => 0, wallTime: () => now, after: () => ({ cancel: () => undefined }) },
    status: () => served.peer.status('none'),
    peers: () => served.peer.peers(),
    limits: () => served.peer.limits.status(),
    store: () => null,
    members: () => ({ admission: 'members', openInvites: 0, members: [] }),
    repair: () => ({ lacking: 2, remaining: null, graceLeft: null, rare }),
    claimsOf: () => [{ publisher: 'p', name: 'thesis.pdf', sequence: 1, replicas: 3 }],
    reports: { own: async () => ({ ...report, rare: 2, lacking: 2 }), ofOthers: async () => new Map() },
    called: () => 'anna',
  });
  assert.equal(found.level, 'bad');
  assert.deepEqual(found.atRisk, [{ name: 'thesis.pdf', publisher: 'p', publisherName: 'anna', copies: 1, blocks: 2 }]);
  assert.match(found.findings.find(({ check }) => check === 'files at risk')?.text ?? '', /thesis\.pdf by anna/);
  const answer = (await (await served.fetch('/api/v1/health')).json()) as typeof found;
  assert.deepEqual([answer.copies.state, answer.disks.length], ['few-peers', 2]);
  const { peers } = (await (await served.fetch('/api/v1/peers?report=true')).json()) as {
    peers: { report: unknown }[];
  };
  assert.equal((peers[0]?.report as PeerReport | null)?.used, 400);
  const { members } = (await (await served.fetch('/api/v1/members')).json()) as { members: Record<string, unknown>[] };
  assert.deepEqual([members[0]?.['shownName'], members[0]?.['report']], ['anna@laptop', null]);
});

test('what a peer tells of itself is asked of each at most every ten seconds, and of no silent one forever', async () => {
  let time = 0;
  let asked = 0;
  const [well, silent] = ['well', 'silent'].map((host): Contact => ({ host: host as HostId, addresses: ['a:1'] }));
  const hosts = [well!, silent!];
  const there = new PeerReports(
    { transport: undefined as never, clock: undefined as never, random: undefined as never, hosts: () => [] },
    async () => report,
  );
  const registry = there.answerIn(new Registry<Contact, null>());
  const reports = new PeerReports(
    {
      transport: {
        request: async (to: Contact, _kind: string, body: Wire) => {
          asked += 1;
          if (to.host === 'silent') throw new TransportError('unreachable', 'no one is there');
          return registry.request(to, reportMessages.report.kind, body);
        },
      },
      clock: { now: () => time, wallTime: () => time, after: () => ({ cancel: () => undefined }) },
      random: undefined as never,
      hosts: () => hosts,
    },
    async () => report,
  );
  assert.deepEqual([...(await reports.ofOthers())], [['well', report]]);
  await Promise.all([reports.ofOthers(), reports.ofOthers()]);
  assert.equal(asked, 2);
  time = 10_000;
  await reports.ofOthers();
  assert.equal(asked, 4);
  hosts.splice(0, 1);
  assert.equal((await reports.ofOthers()).size, 0, 'one that is gone is not told of');
});
