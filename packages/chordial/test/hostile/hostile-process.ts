/**
 * The hostile hosts in a separate process, so that they do not use CPU of the measuring one. Started with `fork`; each
 * message is a command, answered with one message.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Battlefield, Target } from './attack.ts';
import { attacks } from './attacks.ts';
import { HostileMember } from './hostile-member.ts';

export type Order =
  | { readonly kind: 'join'; readonly through: string; readonly runtime: string; readonly hosts: number }
  | {
      readonly kind: 'attack';
      readonly name: string;
      readonly milliseconds: number;
      readonly targets: readonly Target[];
    };

export type Answer = { readonly done: Readonly<Record<string, number>> } | { readonly failed: string };

/** An attack that does not end is abandoned. */
const endMilliseconds = 3000;

const members: HostileMember[] = [];

// Errors here are not failures of the peers under test; counts of the attack show them.
let broken = 0;
process.on('uncaughtException', () => {
  broken += 1;
});
process.on('unhandledRejection', () => {
  broken += 1;
});
process.on('disconnect', () => process.exit(0));
process.on('message', (order: Order) => {
  obey(order).then(
    (done) => answer({ done }),
    (error: Error) => answer({ failed: error.stack ?? error.message }),
  );
});

function answer(message: Answer): void {
  process.send?.(message);
}

async function obey(order: Order): Promise<Readonly<Record<string, number>>> {
  if (order.kind === 'join') {
    while (members.length < order.hosts) members.push(await HostileMember.join(order.through, order.runtime));
    return {};
  }
  return attack(order);
}

async function attack(order: Order & { kind: 'attack' }): Promise<Readonly<Record<string, number>>> {
  const { name, milliseconds, targets } = order;
  const found = attacks.find((one) => one.name === name);
  const [member, ...more] = members;
  const [target, ...others] = targets;
  if (found === undefined || member === undefined || target === undefined) throw new Error(`no attack ${name} now`);
  const done: Record<string, number> = {};
  const did = (what: string, times = 1): void => {
    done[what] = (done[what] ?? 0) + times;
  };
  const accomplices = members.map(({ transport }) => transport.contact);
  const before = members.reduce((sum, { lies }) => sum + lies, 0);
  broken = 0;
  for (const one of members) one.lie = found.lie?.(one, accomplices) ?? {};
  const signal = AbortSignal.timeout(milliseconds);
  const field: Battlefield = { members: [member, ...more], targets: [target, ...others], signal, did };
  await Promise.all([wait(milliseconds), Promise.race([found.act?.(field), wait(milliseconds + endMilliseconds)])]);
  for (const one of members) one.lie = {};
  const lies = members.reduce((sum, { lies: told }) => sum + told, 0) - before;
  if (lies > 0) did('lies', lies);
  if (broken > 0) did('broken here', broken);
  return done;
}
