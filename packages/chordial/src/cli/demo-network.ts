/** The peers of a demonstration, and whether they agree on the ring. */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ChordialError } from '../errors.ts';
import { ringFaults } from '../peer/ring-order.ts';
import { DemoPeer, type PeerLine } from './demo-peer.ts';

/** Detection takes 3 missed heartbeats of 500 ms, repair about as long. */
export const consistentMilliseconds = 30_000;
const betweenLooksMilliseconds = 100;
const betweenFullLooksMilliseconds = 1000;

export class DemoNetwork {
  readonly peers: DemoPeer[] = [];
  readonly folder: string;
  #begun = 0;
  readonly #killAll = () => {
    for (const peer of this.peers) peer.killNow();
  };

  constructor(folder: string) {
    this.folder = folder;
    process.on('exit', this.#killAll);
  }

  get alive(): readonly DemoPeer[] {
    return this.peers.filter(({ isRunning }) => isRunning);
  }

  /** The first founds the network, the others join it; they may be started at the same time. */
  async add(flags: readonly string[] = [], tell?: (line: PeerLine) => void): Promise<DemoPeer> {
    this.#begun += 1;
    const data = path.join(this.folder, `peer-${this.#begun}`);
    const [first] = this.alive;
    const join = first === undefined || flags.includes('--join') ? [] : ['--join', first.ready.listen];
    const peer = await DemoPeer.start(data, [...join, ...flags], tell);
    this.peers.push(peer);
    return peer;
  }

  /** Number of members. Throws `timeout` with what is still wrong. */
  async untilConsistent(signal: AbortSignal, withinMilliseconds = consistentMilliseconds): Promise<number> {
    const deadline = performance.now() + withinMilliseconds;
    let lookAt = performance.now() + betweenFullLooksMilliseconds;
    for (;;) {
      const now = performance.now();
      const isOver = now > deadline;
      // Each peer's own report is cheap; the check from outside is authoritative. Pointers may be right before all know
      // all members.
      const looks = isOver || now >= lookAt || (await this.#isAgreed());
      if (looks) lookAt = now + betweenFullLooksMilliseconds;
      const { members, faults } = looks ? await this.#look() : { members: 0, faults: null };
      if (faults?.length === 0) return members;
      if (isOver) {
        throw new ChordialError(
          'timeout',
          `The ring is not consistent after ${withinMilliseconds / 1000} s: ${faults?.slice(0, 3).join('; ')}. Report this as a bug.`,
        );
      }
      if (signal.aborted) throw demonstrationEnded();
      await pause(betweenLooksMilliseconds);
    }
  }

  async #isAgreed(): Promise<boolean> {
    const said = await Promise.all(this.alive.map(({ client }) => client.call('GET /api/v1/ring/digest')));
    return said.every(({ digest, isRight }) => isRight && digest === said[0]?.digest);
  }

  async #look(): Promise<{ readonly members: number; readonly faults: readonly string[] }> {
    const states = await Promise.all(
      this.alive.map(({ client }) => client.call('GET /api/v1/node', { query: { fingers: 'none' } })),
    );
    const members = states.flatMap(({ virtualNodes }) => virtualNodes);
    return { members: members.length, faults: ringFaults(members) };
  }

  /** Their data is discarded, so nothing needs a clean stop. */
  async close(): Promise<void> {
    await Promise.all(this.alive.map((peer) => peer.kill()));
    process.removeListener('exit', this.#killAll);
  }
}

export function demonstrationEnded(): ChordialError {
  return new ChordialError('interrupted', 'The demonstration was interrupted; its peers and files are gone.');
}
