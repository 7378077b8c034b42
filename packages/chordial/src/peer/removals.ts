/**
 * Removals of files that wait for a while, in which they can be undone as a whole. They are of the peer, so that a page
 * that is closed neither loses one nor leaves half of it. A peer that stops first removes nothing.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Milliseconds, Timer } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { forEachConcurrently } from '../flow/for-each.ts';
import type { Trees } from '../folders/folder-trees.ts';
import type { Files } from '../transfer/files.ts';

export interface ShownRemoval {
  readonly id: string;
  readonly names: readonly string[];
  readonly state: 'waiting' | 'running' | 'failed';
  /** ISO 8601. */
  readonly due: string;
  readonly failures: readonly { readonly name: string; readonly problem: string }[];
}

interface Removal extends ShownRemoval {
  state: 'waiting' | 'running' | 'failed';
  failures: { name: string; problem: string }[];
  timer: Timer | null;
  /** By name, when it was begun: what was put under the name since stays. */
  readonly cids: ReadonlyMap<string, string>;
}

interface Ports {
  readonly files: Pick<Files, 'resolve' | 'remove'>;
  readonly trees: Pick<Trees, 'published'>;
  readonly self: string;
  readonly clock: Pick<Clock, 'after' | 'wallTime'>;
}

const usualMilliseconds: Milliseconds = 10_000;
const maxRemovals = 32;
const maxRemovedAtOnce = 4;

export class Removals {
  readonly #ports: Ports;
  /** Oldest first. */
  readonly #removals = new Map<string, Removal>();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  list(): readonly ShownRemoval[] {
    return [...this.#removals.values()].map(shown);
  }

  /** Throws `not-found` when this peer has not put all of them, and `busy` while too many wait. */
  async begin(names: readonly string[], milliseconds = usualMilliseconds): Promise<ShownRemoval> {
    const cids = new Map<string, string>();
    await forEachConcurrently(new Set(names), maxRemovedAtOnce, async (name) => {
      // Of a folder that changes: with all that was written until now.
      await this.#ports.trees.published(name);
      cids.set(name, await this.#cidOf(name));
    });
    for (const [id, { state }] of this.#removals)
      if (state === 'failed' && this.#removals.size >= maxRemovals) this.#removals.delete(id);
    if (this.#removals.size >= maxRemovals)
      throw new ChordialError('busy', 'Too many removals are waiting. Try again in some seconds.');
    const id = randomBytes(9).toString('base64url');
    const { clock } = this.#ports;
    const removal: Removal = {
      ...{ id, cids, names: [...cids.keys()], state: 'waiting', failures: [], timer: null },
      due: new Date(clock.wallTime() + milliseconds).toISOString(),
    };
    removal.timer = clock.after(milliseconds, () => void this.#carryOut(removal));
    this.#removals.set(id, removal);
    return shown(removal);
  }

  /** All of it, or forgets what has failed. Throws `not-found` when it has begun. */
  undo(id: string): void {
    const removal = this.#removals.get(id);
    if (removal === undefined || removal.state === 'running')
      throw new ChordialError(
        'not-found',
        'This removal cannot be undone any more: it has begun. Put the files again.',
      );
    removal.timer?.cancel();
    this.#removals.delete(id);
  }

  async #carryOut(removal: Removal): Promise<void> {
    removal.state = 'running';
    await forEachConcurrently(removal.cids, maxRemovedAtOnce, async ([name, cid]) => {
      try {
        await this.#ports.files.remove(name, cid);
      } catch (error) {
        // Removed otherwise meanwhile.
        const isGone = error instanceof ChordialError && error.code === 'not-found';
        if (!isGone) removal.failures.push({ name, problem: (error as Error).message });
      }
    });
    if (removal.failures.length === 0) this.#removals.delete(removal.id);
    else removal.state = 'failed';
  }

  async #cidOf(name: string): Promise<string> {
    const { files, self } = this.#ports;
    const { cid, publisher } = await files.resolve({ name, publisher: self });
    if (publisher === self) return cid;
    throw new ChordialError('not-found', `This peer has put no ${JSON.stringify(name)}.`);
  }
}

function shown({ id, names, state, due, failures }: Removal): ShownRemoval {
  return { id, names, state, due, failures };
}
