/** A bench that fetched other bytes measured nothing. */
import { runProgram } from './rivals/program.ts';

export async function sameBytes(one: string, other: string): Promise<void> {
  await runProgram('cmp', [one, other]);
}
