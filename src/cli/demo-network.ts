/** The peers of the demonstration, and when they agree on the ring. */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChordialError } from '../errors.ts';
import type { NodeStatus } from '../node/peer.ts';
import { DemoPeer } from './demo-peer.ts';
import { ringFaults } from './ring-order.ts';

/** Of the classic example: seven peers on a ring of 256 places. */
const teachingIds = [2, 4, 5, 8, 9, 14, 19];
const teachingFlags = ['--bits', '8', '--successors', '3', '--virtual-nodes', '1'];
/** Further peers, up to the 50th, take places that neither they nor the seven have: 37 is coprime to 256. */
const teachingStride = 37;
const teachingOffset = 9;

/** Detection takes 3 missed heartbeats of 500 ms, repair about as long. */
const consistentMilliseconds = 30_000;
const betweenLooksMilliseconds = 100;

export class DemoNetwork {
  readonly peers: DemoPeer[] = [];
  readonly #folder: string;
  readonly #isTeaching: boolean;
  #begun = 0;
  readonly #killAll = () => {
    for (const peer of this.peers) peer.killNow();
  };

  constructor(folder: string, isTeaching: boolean) {
    this.#folder = folder;
    this.#isTeaching = isTeaching;
    process.on('exit', this.#killAll);
  }

  get alive(): readonly DemoPeer[] {
    return this.peers.filter(({ isRunning }) => isRunning);
  }

  /** The first founds the network, the others join it; they may be started at the same time. */
  async add(): Promise<DemoPeer> {
    const index = this.#begun++;
    const [first] = this.peers;
    const join = first === undefined ? [] : ['--join', first.ready.listen];
    const id = String(teachingIds[index] ?? (teachingStride * index + teachingOffset) % 256);
    const teaching = this.#isTeaching ? [...teachingFlags, '--id', id] : [];
    const peer = await DemoPeer.start(path.join(this.#folder, `peer-${index + 1}`), [...join, ...teaching]);
    this.peers.push(peer);
    return peer;
  }

  async kill(peer: DemoPeer): Promise<void> {
    await peer.kill();
  }

  /** Number of members. Throws `timeout` with what is still wrong. */
  async untilConsistent(signal: AbortSignal): Promise<number> {
    const deadline = performance.now() + consistentMilliseconds;
    for (;;) {
      const states = await Promise.all(
        this.alive.map(({ client }) => client.get<NodeStatus>('/api/v1/node?fingers=none')),
      );
      const members = states.flatMap(({ virtualNodes }) => virtualNodes);
      const faults = ringFaults(members);
      if (faults.length === 0) return members.length;
      if (performance.now() > deadline) {
        throw new ChordialError(
          'timeout',
          `The ring is not consistent after ${consistentMilliseconds / 1000} s: ${faults.slice(0, 3).join('; ')}. Report this as a bug.`,
        );
      }
      if (signal.aborted)
        throw new ChordialError('interrupted', 'The demonstration was interrupted; its peers and files are gone.');
      await pause(betweenLooksMilliseconds);
    }
  }

  /** Nothing of theirs is kept, so nothing needs to end in good order. */
  async close(): Promise<void> {
    await Promise.all(this.alive.map((peer) => peer.kill()));
    process.removeListener('exit', this.#killAll);
  }
}
