/** What an attack works with, and what it is. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Contact } from '@chordial/ring';
import type { HostileMember, Lie } from './hostile-member.ts';

export interface Target {
  readonly contact: Contact;
  /** Where the peer itself listens, with no proxy between. */
  readonly port: number;
}

export interface Battlefield {
  readonly members: readonly [HostileMember, ...HostileMember[]];
  readonly targets: readonly [Target, ...Target[]];
  /** Aborted when the attack is to end. */
  readonly signal: AbortSignal;
  /** Counts what was done, for the report. */
  readonly did: (what: string, times?: number) => void;
}

export interface Attack {
  readonly name: string;
  /** What the members answer while it lasts. */
  readonly lie?: (member: HostileMember, accomplices: readonly Contact[]) => Lie;
  /** What it does by itself; returns when the signal says so. */
  readonly act?: (field: Battlefield) => Promise<void>;
}

/** Does something over and over, `atOnce` at a time, until the end; what fails is counted and changes nothing. */
export async function relentlessly(
  { signal, did }: Battlefield,
  atOnce: number,
  pauseMilliseconds: number,
  work: (turn: number) => Promise<void>,
): Promise<void> {
  let turn = 0;
  const over = untilOver(signal);
  const one = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        // What is in progress at the end is left behind.
        await Promise.race([work(turn++), over]);
        did('done');
      } catch {
        did('refused');
      }
      await wait(pauseMilliseconds);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

export function untilOver(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
