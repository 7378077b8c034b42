/** Attacks and their context. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Contact } from '@chordial/ring';
import type { HostileMember, Lie } from './hostile-member.ts';

export interface Target {
  readonly contact: Contact;
  /** The peer's own address, without proxy. */
  readonly port: number;
}

export interface Battlefield {
  readonly members: readonly [HostileMember, ...HostileMember[]];
  readonly targets: readonly [Target, ...Target[]];
  /** Aborted at the end of the attack. */
  readonly signal: AbortSignal;
  /** Counts actions for the report. */
  readonly did: (what: string, times?: number) => void;
}

export interface Attack {
  readonly name: string;
  /** Answers of the hostile members during the attack. */
  readonly lie?: (member: HostileMember, accomplices: readonly Contact[]) => Lie;
  /** Active part; returns on the signal. */
  readonly act?: (field: Battlefield) => Promise<void>;
}

/** Repeats an action, `atOnce` in parallel, until the end; failures are counted and ignored. */
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
        // Actions in progress at the end are abandoned.
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
