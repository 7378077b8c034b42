/**
 * Attacks by another user of the machine through paths that a peer opens with its own rights. The attacker has everything it
 * could find out, including the API token. If this process cannot change its user, the attacker is a program without the
 * local key.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import { type FindingAttack, otherUser, type Reached, type Scene } from '../finding.ts';

const secret = 'the private key of the user of the peer\n'.repeat(20_000);

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'C3',
    title: 'another user has a private file put and shared by its path',
    before: 'a file 0600 in a folder 0700 was read as the Unix user nobody, through this peer and another one',
    run: readByPath,
  },
  {
    finding: 'C3',
    title: 'another user has authorized_keys written through a folder swapped for a link',
    before: "~victim/.ssh/authorized_keys (0700/0600) was replaced by the attacker's, without a race",
    run: writeByPath,
  },
];

async function readByPath(scene: Scene): Promise<Reached> {
  const [peer] = await scene.ring(1);
  const home = path.join(scene.network.folder, 'private');
  await mkdir(home, { mode: 0o700 });
  const file = path.join(home, 'id_ed25519');
  await writeFile(file, secret, { mode: 0o600 });
  const mark = await markOf(file);
  const steps = ['', 'guessed'].flatMap((key) => [
    ['POST', '/api/v1/transfers', { kind: 'put', name: 'x', path: file, key, mark }],
    ['POST', '/api/v1/transfers', { kind: 'put', name: 'x', path: `/proc/${peer.pid}/root${file}`, key, mark }],
    ['POST', '/api/v1/shares', { path: home, key }],
    ['POST', '/api/v1/shares', { path: home }],
  ]);
  const statuses = await asAttacker(peer, [
    ...steps,
    ['WAIT'],
    ['GET', '/api/v1/files/x'],
    ['GET', '/api/v1/files/id_ed25519'],
  ]);
  const { shares } = await peer.json<{ shares: readonly unknown[] }>('/api/v1/shares');
  const { transfers } = await peer.json<{ transfers: readonly unknown[] }>('/api/v1/transfers');
  const readable = statuses.filter((status) => status === 200 || status === 201).length;
  return {
    reached: `${readable} of ${statuses.length} questions were granted (${statuses.join(' ')}), ${shares.length} folders shared, ${transfers.length} transfers`,
    held: readable === 0 && shares.length === 0 && transfers.length === 0,
  };
}

async function writeByPath(scene: Scene): Promise<Reached> {
  const [peer] = await scene.ring(1);
  const home = path.join(scene.network.folder, 'victim');
  await mkdir(home, { mode: 0o700 });
  const keys = path.join(home, 'authorized_keys');
  await writeFile(keys, 'of the victim', { mode: 0o600 });
  await using place = new AsyncDisposableStack();
  const mine = await realpath(await mkdtemp(path.join(os.tmpdir(), 'chordial-attacker-')));
  place.defer(() => rm(mine, { recursive: true, force: true }));
  await chmod(mine, 0o755);
  if (otherUser !== null) await chown(mine, otherUser.uid, otherUser.gid);
  const folder = path.join(mine, 'ssh');
  const target = path.join(folder, 'authorized_keys');
  const start = (name: string, key: string) => [
    'POST',
    '/api/v1/transfers',
    { kind: 'get', name, path: target, key, mark: 'PART', nonce: 'a nonce of 16 bytes', force: true },
  ];
  const statuses = await asAttacker(peer, [
    ['FOLDER', folder, target],
    start('authorized_keys', ''),
    start('authorized_keys', 'guessed'),
    ['PUT', '/api/v1/files/authorized_keys', 'of the attacker'],
    ['SWAP', folder, home],
    ['RESUME'],
    start('authorized_keys', 'guessed'),
    ['WAIT'],
  ]);
  const left = await readFile(keys, 'utf8');
  const { transfers } = await peer.json<{ transfers: readonly unknown[] }>('/api/v1/transfers');
  return {
    reached: `${transfers.length} transfers were begun (${statuses.join(' ')}); the victim's file is ${left === 'of the victim' ? 'as it was' : 'replaced'}`,
    held: left === 'of the victim' && transfers.length === 0 && !existsSync(path.join(home, '.part')),
  };
}

async function markOf(file: string) {
  const { dev, ino } = await lstat(file, { bigint: true });
  return { device: String(dev), inode: String(ino) };
}

/** Runs the steps as the other user; resolves with the statuses of its requests. */
async function asAttacker(peer: PeerProcess, steps: readonly unknown[]): Promise<readonly number[]> {
  const token = await readFile(path.join(peer.dataFolder, 'api-token'), 'utf8');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', attacker, peer.apiUrl, token.trim(), JSON.stringify(steps)],
    { ...otherUser, cwd: '/', env: { PATH: process.env['PATH'] ?? '' } },
  );
  return JSON.parse(stdout) as readonly number[];
}

const attacker = `
const fs = require('node:fs');
const path = require('node:path');
const { createHash } = require('node:crypto');
const [url, token, steps] = process.argv.slice(1);
const statuses = [];
let part = { device: '0', inode: '0' };
const ask = async (method, route, body) => {
  const headers = { 'Content-Type': 'application/json', ...(token === '' ? {} : { Authorization: 'Bearer ' + token }) };
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = await fetch(url + route, { method, headers, ...sent });
  const text = await answer.text();
  if (method !== 'PUT') statuses.push(answer.status);
  return text;
};
(async () => {
  for (const [what, where, how] of JSON.parse(steps)) {
    if (what === 'FOLDER') {
      fs.mkdirSync(where);
      const name = '.' + createHash('sha256').update(path.basename(how)).digest('hex').slice(0, 32) + '.part';
      for (const one of [name, path.basename(how) + '.part']) fs.writeFileSync(path.join(where, one), 'a nonce of 16 bytes');
      const { dev, ino } = fs.lstatSync(path.join(where, name), { bigint: true });
      part = { device: String(dev), inode: String(ino) };
    } else if (what === 'SWAP') {
      fs.renameSync(where, where + '.away');
      fs.symlinkSync(how, where);
    } else if (what === 'WAIT') await new Promise((done) => setTimeout(done, 1500));
    else if (what === 'RESUME') {
      const { transfers = [] } = JSON.parse(await ask('GET', '/api/v1/transfers'));
      statuses.pop();
      for (const { id } of transfers) await ask('PATCH', '/api/v1/transfers/' + id, { state: 'running' });
    } else await ask(what, where, how?.mark === 'PART' ? { ...how, mark: part } : how);
  }
  console.log(JSON.stringify(statuses));
})();`;
