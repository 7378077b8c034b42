/** Joining without permission: strangers at a local address, a leaked invite, a removed member. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { decodeInvite } from '../../../src/network/invite.ts';
import { launcher } from '../../end-to-end/command.ts';
import { until } from '../../fixtures/until.ts';
import { type FindingAttack, otherUser, type Reached, type Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';

const startMilliseconds = 60_000;
const removalMilliseconds = 10_000;

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'C2',
    title: 'another user of the machine joins over loopback',
    before: 'the answer to HELLO held the secret of the network; no one printed it and joined',
    run: anotherUser,
  },
  {
    finding: 'C2',
    title: 'a stranger comes through a forwarder on the machine of a peer',
    before: 'let in as near, given the secret, a member from everywhere afterwards',
    run: throughForwarder,
  },
  {
    finding: 'H6',
    title: 'an invite is read among the running processes',
    before: 'chordial join ran on with the secret in its arguments, readable by every user',
    run: inviteInArguments,
  },
  {
    finding: 'H6',
    title: 'a member that is to go stays',
    before: 'no member could be removed and no secret changed',
    run: removedMember,
  },
  {
    finding: 'H6',
    title: 'a member that may not store takes places on the ring',
    before: 'only the member itself looked at its right to store; the others gave it places and copies',
    run: placesWithoutRight,
  },
];

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** A start as another user, with its own home. */
async function startAsOther(scene: Scene, address: string): Promise<Ended> {
  await chmod(scene.network.folder, 0o711);
  const home = path.join(scene.network.folder, 'another-user');
  await mkdir(home, { recursive: true });
  await chmod(home, 0o777);
  const places = ['--data', path.join(home, 'data'), '--listen', '127.0.0.1:0', '--api', '127.0.0.1:0'];
  const child = spawn(launcher, ['start', '--json', ...places, '--join', address], {
    ...otherUser,
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), startMilliseconds);
  let text = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (part: Buffer) => {
      text += part.toString();
      // Admitted.
      if (text.includes('"ready"')) child.kill('SIGKILL');
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code, text };
}

function judged({ code, text }: Ended, network: string): Reached {
  const isRefused = code === 1 && text.includes('not-admitted');
  const isTold = text.includes(network.slice(0, 8));
  const learnt = isTold ? 'learns the network id' : 'learns nothing';
  return { reached: `${isRefused ? 'refused' : 'not refused'}, ${learnt}`, held: isRefused && !isTold };
}

async function anotherUser(scene: Scene): Promise<Reached> {
  const [first] = await scene.ring(1);
  return judged(await startAsOther(scene, first.ready.listen), first.ready.network);
}

async function throughForwarder(scene: Scene): Promise<Reached> {
  const [first] = await scene.ring(1);
  const port = Number(first.ready.listen.split(':').at(-1));
  const open = new Set<Socket>();
  const forwarder = createServer((inside) => {
    const outside = connect(port, '127.0.0.1');
    for (const socket of [inside, outside]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.once('close', () => open.delete(socket));
    }
    inside.pipe(outside).pipe(inside);
  });
  scene.ends.defer(() => {
    forwarder.close();
    for (const socket of open) socket.destroy();
  });
  forwarder.listen(0, '127.0.0.1');
  await once(forwarder, 'listening');
  const { port: there } = forwarder.address() as { port: number };
  return judged(await startAsOther(scene, `127.0.0.1:${there}`), first.ready.network);
}

async function inviteInArguments(scene: Scene): Promise<Reached> {
  const [first] = await scene.ring(1);
  const { text } = await scene.network.command(['invite', '--expires', '1h'], first);
  const joined = await scene.network.start({ invite: text.trim() });
  const code = text.trim().slice('chordial:'.length, 60);
  const where: string[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
    if (line.includes(code)) where.push(name);
  }
  const notNeeded = await scene.network.start({
    invite: '-',
    input: (await scene.network.command(['invite'], first)).text,
  });
  const isHidden = where.length === 0;
  return {
    reached: `${isHidden ? 'in no process list' : `readable in ${where.length} processes`} once the peer runs; ${joined.running && notNeeded.running ? 'standard input does as well' : 'joins fail'}`,
    held: isHidden && joined.running && notNeeded.running,
  };
}

async function removedMember(scene: Scene): Promise<Reached> {
  const [first, second = first] = await scene.ring(2);
  const guest = await scene.network.start({ join: first, flags: ['--name', 'mallory'] });
  await until('one ring', () => scene.network.isIdeal([first, second, guest]), startMilliseconds);
  const removed = await scene.network.command(['remove', 'mallory', '--json'], first);
  const began = performance.now();
  await until(
    'it is in no ring',
    async () => {
      const rings = await Promise.all(
        [first, second].map((peer) => peer.json<{ members: { id: string }[] }>('/api/v1/ring')),
      );
      return rings.every(({ members }) => members.every(({ id }) => id !== guest.ready.id));
    },
    removalMilliseconds,
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  await guest.stop();
  const again = await scene.network.command([
    'start',
    '--json',
    '--data',
    guest.dataFolder,
    '--listen',
    '127.0.0.1:0',
    '--api',
    '127.0.0.1:0',
    '--join',
    second.ready.listen,
  ]);
  const isOut = removed.exit === 0 && again.exit === 1 && again.stderr.includes('member-removed');
  return {
    reached: `gone from every ring after ${seconds} s, ${isOut ? 'and refused when it comes back' : 'but back'}`,
    held: isOut,
  };
}

async function placesWithoutRight(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(3);
  const [first] = peers;
  const invited = await scene.network.command(['invite', '--rights', 'publish'], first);
  const rogue = scene.ends.use(await HostileMember.joinWith(first.ready.listen, decodeInvite(invited.text)));
  const { host } = rogue.identity;
  const puts = scene.isShort ? 24 : 200;
  const holders = new Set<string>();
  for (let number = 0; number < puts; number++) {
    const place = `/api/v1/files/${number}.bin`;
    const put = await first.request(place, { method: 'PUT', body: randomBytes(20_000) });
    if (put.status !== 201) throw new Error(await put.text());
    const stat = await first.json<{ holders: { id: string }[] }>(`${place}/stat`);
    for (const { id } of stat.holders) holders.add(id);
  }
  const rings = await Promise.all(peers.map((peer) => peer.json<{ members: { id: string }[] }>('/api/v1/ring')));
  const places = rings.flatMap(({ members }) => members.filter(({ id }) => id === host)).length;
  const counted = await Promise.all(peers.map(async (peer) => (await peer.request('/metrics')).text()));
  const refusals = counted.filter((text) => /reason="not-admitted"\} [1-9]/.test(text)).length;
  const given = rogue.hoard.blocks.size;
  return {
    reached: `${places} places and ${given} of ${puts} blocks; refused and counted by ${refusals} of 3 peers`,
    held: places === 0 && given === 0 && !holders.has(host) && refusals > 0 && (await scene.network.isIdeal(peers)),
  };
}
