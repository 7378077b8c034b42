/** Names: another publisher that claims a later time, and the replay of a removed name after its tombstone could have expired. */
import { setTimeout as wait } from 'node:timers/promises';
import type { HostId } from '@chordial/ring';
import type { Wire } from '../../../src/network/transport.ts';
import { recordKeyOfName } from '../../../src/records/record-keys.ts';
import { recordMessages } from '../../../src/records/record-messages.ts';
import { movedClock } from '../../end-to-end/moved-clock.ts';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import { until } from '../../fixtures/until.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';

/** Just within the clock tolerance of holders. */
const aheadMilliseconds = 590_000;
const day = 24 * 3600 * 1000;
/** A few rounds of the removal of expired records. */
const upkeepMilliseconds = 12_000;
const name = 'report.pdf';

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'H8',
    title: 'a name is taken over by a member that claims a later time',
    before: "the attacker's bytes with exit code 0, also after the publisher had put again; a note on stderr",
    run: laterTime,
  },
  {
    finding: 'M6',
    title: 'a removed name is handed in again after its tombstone has expired',
    before: 'stored, listed and got, under the signature of the publisher who had removed it',
    run: handedInAgain,
  },
];

async function laterTime(scene: Scene): Promise<Reached> {
  const { network } = scene;
  const peers = await scene.ring(3);
  const [publisher, reader = publisher, newcomer = publisher] = peers;
  const clock = await movedClock(network, 'clock', aheadMilliseconds);
  const attacker = await network.start({ join: publisher, environment: clock.environment });
  await until('one ring', () => network.isIdeal([...peers, attacker]), 60_000);
  const put = (peer: PeerProcess, bytes: string) =>
    network.command(['put', '-', '--name', name], peer, { input: bytes });
  const get = async (peer: PeerProcess) => {
    const { exit, stdout, stderr } = await network.command(['get', name, '-o', '-'], peer);
    return exit === 0 ? stdout.toString() : (/Several peers|from .* before/.exec(stderr)?.[0] ?? stderr);
  };
  await put(publisher, 'honest');
  const before = await get(reader);
  await put(attacker, 'attack');
  const known = await get(reader);
  await put(publisher, 'honest again');
  const again = await get(reader);
  const unknown = await get(newcomer);
  await network.command(['rm', name], publisher);
  const gone = await get(reader);
  return {
    reached: `who got it before gets "${known}", then "${again}"; who did not: "${unknown}"; when it is removed: "${gone}"`,
    held:
      before === 'honest' &&
      known === 'honest' &&
      again === 'honest again' &&
      unknown === 'Several peers' &&
      gone.startsWith('from '),
  };
}

async function handedInAgain(scene: Scene): Promise<Reached> {
  const { network } = scene;
  const clock = await movedClock(network, 'clock', 0);
  const peers = await scene.ring(2, { environment: clock.environment });
  const [publisher, other = publisher] = peers;
  const member = await HostileMember.join(publisher.ready.listen, network.runtimeFolder);
  scene.ends.defer(() => member[Symbol.asyncDispose]());
  await network.command(['put', '-', '--name', name], publisher, { input: 'removed' });
  const entries = await entriesAt(member, publisher);
  await network.command(['rm', name], publisher);
  await clock.set(92 * day);
  await wait(upkeepMilliseconds);
  const answers: string[] = [];
  for (const peer of peers) {
    const { results } = (await ask(member, peer, recordMessages.put.kind, { entries })) as { results: string[] };
    answers.push(...results);
  }
  const listed = (await network.command(['ls', '--all'], other)).text.includes(name);
  const got = await network.command(['get', name, '-o', '-'], other);
  return {
    reached: `${entries.length} record handed in: ${answers.join(', ')}; ${listed ? 'listed' : 'not listed'}; get ends with ${got.exit}`,
    held: entries.length > 0 && answers.every((one) => one === 'known') && !listed && got.exit !== 0,
  };
}

async function entriesAt(member: HostileMember, peer: PeerProcess): Promise<readonly Uint8Array[]> {
  const key = recordKeyOfName(name, { bits: member.genesis.bits, teaching: false });
  const question = { keys: [key], kinds: ['name'], after: null } as const;
  const answer = await ask(member, peer, recordMessages.get.kind, recordMessages.get.encode(question));
  return recordMessages.get.decodeAnswer(answer, question).entries[0] ?? [];
}

function ask(member: HostileMember, { ready }: PeerProcess, kind: string, body: Wire): Promise<Wire> {
  const contact = { host: ready.id as HostId, addresses: [ready.listen] };
  return member.transport.request(contact, kind, body, { deadline: 5000 });
}
