/** A benchmark that fetched wrong bytes is invalid. */
import { runProgram } from './rivals/program.ts';

export async function sameBytes(one: string, other: string): Promise<void> {
  await runProgram('cmp', [one, other]);
}
