/** Hostile contents of shared folders and of search questions, and their cost to others. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Share } from '../../../src/client/answers.ts';
import { cidOfBlock, rawCodec } from '../../../src/content/cid.ts';
import { createIdentity, type Identity } from '../../../src/network/identity.ts';
import type { Wire } from '../../../src/network/transport.ts';
import type { LookupResult } from '../../../src/peer/peer.ts';
import type { ShownHit } from '../../../src/peer/shown-hit.ts';
import { searchMessages, signedQuestion } from '../../../src/search/search-messages.ts';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import { until } from '../../fixtures/until.ts';
import { type FindingAttack, otherUser, type Reached, type Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'H1',
    title: 'expressions that are expensive to compile stop all peers of a ring',
    before: '36 questions in 15 s to one peer stopped its event loop for 87 s and those of the two others for 17 s',
    run: dearExpressions,
  },
  {
    finding: 'M1',
    title: 'another user swaps a shared folder for a link to a private one',
    before: 'a 0600 file of a 0700 folder was announced and read through another peer',
    run: swappedFolder,
  },
  {
    finding: 'M7',
    title: 'a member answers searches with hits in the name of others',
    before: 'hits that no one published were shown like any other',
    run: forgedHits,
  },
  {
    finding: 'M8',
    title: 'a pipe and an endless file in the place of .chordialignore hold all shares up',
    before: 'all looks through all shares stopped, and SIGTERM did not end the peer within 40 s',
    run: pipesForRules,
  },
  {
    finding: 'L',
    title: 'a question with an invented asker makes every peer dial any address',
    before: 'every peer dialled the address that the question named',
    run: inventedAsker,
  },
];

/** A member, ended with the scene. */
async function memberOf(scene: Scene, peer: PeerProcess): Promise<HostileMember> {
  const member = await HostileMember.join(peer.ready.listen, scene.network.runtimeFolder);
  scene.ends.defer(() => member[Symbol.asyncDispose]());
  return member;
}

/** A broadcast question of `asker`, sent to one peer by the member. */
function ask(member: HostileMember, peer: PeerProcess, pattern: string, asker: Identity = member.identity) {
  const first = member.ring.find(({ contact }) => contact.host === peer.ready.id);
  if (first === undefined) throw new Error('the member does not know the peer');
  const signed = { id: randomUUID(), pattern, most: 1000, time: Date.now() };
  const body = searchMessages.ask.encode({
    ...signed,
    asker: asker.host,
    signature: asker.sign(signedQuestion(member.networkId, signed)),
    parts: [{ member: first.id, end: first.id }],
    hops: 8,
    left: 5000,
  });
  return member.transport.request(first.contact, searchMessages.ask.kind, body, { deadline: 6000 });
}

/** A name that the hostile member owns: it answers no search for it, and the other replicas must. */
async function nameOwnedBy(member: HostileMember, peer: PeerProcess): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const name = `find-me-${attempt}.txt`;
    const { owner } = await peer.json<LookupResult>(`/api/v1/lookup/${name}`);
    if (owner.id === member.identity.host) return name;
  }
  throw new Error('the member owns none of 200 names');
}

async function dearExpressions(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(3);
  const member = await memberOf(scene, peers[0]);
  const name = await nameOwnedBy(member, peers[0]);
  await peers[0].request(`/api/v1/files/${name}`, { method: 'PUT', body: 'x' });
  let refused = 0;
  const questions = scene.isShort ? 12 : 36;
  for (let turn = 0; turn < questions; turn++) {
    const patterns = [
      `/${'(\\pL|\\pN){0,1000}'.repeat(57)}${turn}/`,
      // Of maximum size.
      `/${'(\\pL|\\pN){0,99}'.repeat(6)}${turn}/`,
      `/${'.{0,100}'.repeat(19)}${turn}$/`,
    ];
    void ask(member, peers[0], patterns[turn % patterns.length]!).catch(() => {
      refused += 1;
    });
    await wait(400);
  }
  const found = await scene.network.command(['search', '--broadcast', 'find-m'], peers[1]);
  const got = await Promise.all(peers.map((peer) => peer.request(`/api/v1/files/${name}`)));
  const reads = got.filter(({ status }) => status === 200).length;
  return {
    reached: `${refused} of ${questions} questions refused; a search beside them ${found.exit === 0 ? 'finds' : 'does not find'} its file; ${reads} of 3 peers read it`,
    held: found.exit === 0 && reads === 3 && refused >= questions / 3,
  };
}

/** A folder writable by the other user. */
async function incoming(scene: Scene): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-incoming-'));
  scene.ends.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o777);
  return folder;
}

/** Runs as the other user, or as this one if there is no other. */
function asOther(scene: Scene, script: string, folder: string): Promise<unknown> {
  const child = spawn('sh', ['-c', script], { cwd: folder, stdio: 'ignore', ...otherUser });
  scene.ends.defer(() => void child.kill('SIGKILL'));
  return once(child, 'exit');
}

async function swappedFolder(scene: Scene): Promise<Reached> {
  const [sharer, reader = sharer] = await scene.ring(2);
  const folder = await incoming(scene);
  const secrets = await mkdtemp(path.join(os.tmpdir(), 'chordial-private-'));
  scene.ends.defer(() => rm(secrets, { recursive: true, force: true }));
  await chmod(secrets, 0o700);
  const secret = Buffer.from(`secret ${randomUUID()}`);
  for (const name of ['file.txt', 'secret-name.txt'])
    await writeFile(path.join(secrets, name), secret, { mode: 0o600 });
  await writeFile(path.join(folder, 'honest.txt'), 'honest');
  await asOther(scene, 'mkdir in && echo public > in/file.txt', folder);
  await scene.network.command(['share', folder, '--others'], sharer);
  const cid = cidOfBlock(rawCodec, secret).toString();
  const turns = scene.isShort ? 16 : 100;
  // A file of the folder was just hashed; at the next check after a change a link has replaced it.
  const link = `mv in away; ln -s '${secrets}' in; sleep 0.2; rm in; mv away in`;
  const turn = `echo $i > in/new$i; sleep 0.75; echo $i > in/told$i; sleep 0.1$((i % 9)); ${link}; sleep 0.4`;
  const swapping = asOther(scene, `for i in $(seq ${turns}); do ${turn}; done`, folder);
  let leaks = 0;
  const isOver = swapping.then(() => true);
  while (!(await Promise.race([isOver, wait(50, false)]))) {
    const { files } = await sharer.json<{ files: readonly ShownHit[] }>(`/api/v1/peers/${sharer.ready.id}/files`);
    if (files.some(({ name, cid: of }) => name === 'secret-name.txt' || of === cid)) leaks += 1;
  }
  const byName = await scene.network.command(['search', '--broadcast', 'secret-name', '--json'], reader);
  const target = path.join(scene.network.folder, 'stolen');
  const byContent = await scene.network.command(['get', cid, '-o', target], reader, { deadlineMilliseconds: 20_000 });
  const honest = await scene.network.command(['search', '--broadcast', 'honest', '--json'], reader);
  const who = otherUser === null ? 'the same user' : 'another user';
  return {
    reached: `${turns} swaps by ${who}: its name is found ${leaks} times, its bytes are ${byContent.exit === 0 ? '' : 'not '}read`,
    held: leaks === 0 && byName.exit === 3 && byContent.exit !== 0 && honest.exit === 0,
  };
}

async function forgedHits(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(2);
  const [victim, reader = victim] = peers;
  const member = await memberOf(scene, victim);
  const root = cidOfBlock(rawCodec, Buffer.from('malware'));
  const source = { host: victim.ready.id as Identity['host'], addresses: [] };
  const hit = { name: 'holiday.jpg', root, size: 7, type: 'file', sha256: null, source, time: Date.now() } as const;
  const forged = [
    { ...hit, isShared: false },
    { ...hit, isShared: true },
  ];
  const answers: Readonly<Record<string, Wire>> = {
    [searchMessages.count.kind]: searchMessages.count.encodeAnswer([{ count: 1, isSplit: false }]),
    [searchMessages.query.kind]: searchMessages.query.encodeAnswer({
      hits: forged,
      total: forged.length,
      isSplit: false,
    }),
  };
  member.lie = { request: (_, kind) => (answers[kind] === undefined ? null : Promise.resolve(answers[kind])) };
  let found: readonly ShownHit[] = [];
  await until(
    'the forged hit is there',
    async () => {
      const { text } = await scene.network.command(['search', 'holiday', '--json'], reader);
      found = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ShownHit]));
      return found.length > 0;
    },
    60_000,
  );
  const { text } = await scene.network.command(['search', 'holiday'], reader);
  const believed = found.flatMap(({ holders }) => holders).filter(({ verified }) => verified).length;
  return {
    reached: `${found.flatMap(({ holders }) => holders).length} forged holders shown, ${believed} of them as verified`,
    held: believed === 0 && text.includes('(unverified)'),
  };
}

async function pipesForRules(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(2);
  const [sharer] = peers;
  const [folder, other] = [await incoming(scene), path.join(scene.network.folder, 'other')];
  await mkdir(other);
  await asOther(scene, 'mkfifo .chordialignore; mkdir endless; truncate -s 1T endless/.chordialignore', folder);
  for (const place of [
    path.join(folder, 'one.txt'),
    path.join(folder, 'endless', 'two.txt'),
    path.join(other, 'three.txt'),
  ])
    await writeFile(place, place);
  for (const place of [folder, other]) await scene.network.command(['share', place, '--others'], sharer);
  let indexed = 0;
  const look = async (): Promise<boolean> => {
    const { shares } = await sharer.json<{ shares: readonly Share[] }>('/api/v1/shares');
    indexed = shares.reduce((sum, share) => sum + share.indexed, 0);
    return indexed === 3;
  };
  await until('all are indexed', look, 60_000).catch(() => undefined);
  const began = performance.now();
  const exit = await sharer.stop();
  const seconds = (performance.now() - began) / 1000;
  return {
    reached: `${indexed} of 3 files beside them are shared; SIGTERM ends the peer after ${seconds.toFixed(1)} s`,
    held: indexed === 3 && exit.code === 0 && seconds < 15,
  };
}

async function inventedAsker(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(3);
  const member = await memberOf(scene, peers[0]);
  const name = await nameOwnedBy(member, peers[0]);
  await peers[0].request(`/api/v1/files/${name}`, { method: 'PUT', body: 'x' });
  let dialled = 0;
  const server = createServer((socket) => {
    dialled += 1;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scene.ends.defer(() => void server.close());
  const { port } = server.address() as { port: number };
  // As itself, as a key that is not a member, and with an address as in old questions.
  const stranger = createIdentity();
  const victim = { ...stranger, host: peers[1]!.ready.id as Identity['host'] };
  let refused = 0;
  for (const asker of [stranger, victim])
    await ask(member, peers[0], '*', asker).catch(() => {
      refused += 1;
    });
  const first = member.ring.find(({ contact }) => contact.host === peers[0].ready.id)!;
  const old: Wire = {
    ...{ id: randomUUID(), pattern: '*', most: 10, asker: [new Uint8Array(32).fill(9), [`127.0.0.1:${port}`]] },
    ...{ parts: [[first.id, first.id]], hops: 8, left: 5000 },
  };
  await member.transport.request(first.contact, searchMessages.ask.kind, old, { deadline: 6000 }).catch(() => {
    refused += 1;
  });
  await wait(2000);
  return {
    reached: `${dialled} connections to the address; ${refused} of 3 questions refused`,
    held: dialled === 0 && refused === 2,
  };
}
