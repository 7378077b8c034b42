/** Exhaustion by idle connections: strangers that never send HELLO, and a member that opens hundreds. */
import type { ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { maxConnectionsPerHost } from '../../../src/network/connection-limits.ts';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';
import { HostileMember } from '../hostile-member.ts';
import { greeted } from '../raw-session.ts';

/** A slower start counts as blocked. */
const joinMilliseconds = 20_000;

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'H2',
    title: 'one member takes all connections of a peer',
    before: '1530 of 1530 connections to three peers stayed open for 160 s; every put failed, no peer could join',
    run: oneMemberEverywhere,
  },
  {
    finding: 'H3',
    title: '64 silent sockets keep a peer closed to those who join',
    before: 'three joins of three refused for 14 s by 13 sockets a second without a byte',
    run: silentSockets,
  },
];

async function oneMemberEverywhere(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(3);
  const [first, second = first] = peers;
  const member = await HostileMember.join(first.ready.listen, scene.network.runtimeFolder);
  scene.ends.defer(() => member[Symbol.asyncDispose]());
  const { networkId, identity } = member;
  const own = { identity, shown: member.shownFor(identity) };
  const opened: ClientHttp2Session[] = [];
  scene.ends.defer(() => {
    for (const session of opened) session.destroy();
  });
  const each = scene.isShort ? 100 : 510;
  for (const peer of peers) {
    for (let count = 0; count < each; count += 10) {
      const ten = Array.from({ length: 10 }, () => greeted(portOf(peer), networkId, own));
      for (const one of await Promise.allSettled(ten)) if (one.status === 'fulfilled') opened.push(one.value);
    }
  }
  await wait(scene.isShort ? 1000 : 5000);
  const open = opened.filter((session) => !session.closed && !session.destroyed).length;
  const joined = await joins(scene, first, 1);
  const name = 'amid.txt';
  const put = await second.request(`/api/v1/files/${name}`, { method: 'PUT', body: 'hello' });
  return {
    reached: `${open} of ${opened.length} connections to 3 peers stay open; a put is answered ${put.status}; ${joined.text}`,
    held: open <= peers.length * maxConnectionsPerHost && put.status === 201 && joined.all,
  };
}

async function silentSockets(scene: Scene): Promise<Reached> {
  const peers = await scene.ring(2);
  const port = portOf(peers[0]);
  const sockets = new Set<Socket>();
  const hold = { goesOn: true };
  const open = (localAddress: string): void => {
    if (!hold.goesOn) return;
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(() => open(localAddress), 200);
    });
  };
  scene.ends.defer(() => {
    hold.goesOn = false;
    for (const socket of sockets) socket.destroy();
  });
  // From one address, from the address of the joiners, and from a hundred addresses.
  for (let count = 0; count < 64; count++) open('127.0.0.2');
  for (let count = 0; count < 32; count++) open('127.0.0.1');
  for (let count = 0; count < 100; count++) open(`127.0.1.${count + 1}`);
  await wait(1000);
  const joined = await joins(scene, peers[0], scene.isShort ? 1 : 3);
  return { reached: joined.text, held: joined.all };
}

async function joins(scene: Scene, through: PeerProcess, count: number): Promise<{ text: string; all: boolean }> {
  let done = 0;
  let slowest = 0;
  for (let turn = 0; turn < count; turn++) {
    const began = performance.now();
    try {
      await scene.network.start({ join: through, readyMilliseconds: joinMilliseconds });
      done += 1;
      slowest = Math.max(slowest, performance.now() - began);
    } catch {
      // Blocked, as the figure shows.
    }
  }
  const time = done === 0 ? '' : `, slowest start ${(slowest / 1000).toFixed(1)} s`;
  return { text: `${done} of ${count} joins succeed${time}`, all: done === count };
}

function portOf(peer: PeerProcess): number {
  const { listen } = peer.ready;
  return Number(listen.slice(listen.lastIndexOf(':') + 1));
}
