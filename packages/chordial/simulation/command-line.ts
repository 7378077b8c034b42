/** Shared by the commands of the repository: validated flags and numbers, and cleanup on Ctrl-C. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** With --help prints the usage and exits with 0; on an unknown flag or word prints the error and exits with 2. */
export function argumentsOf<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((one) => one === '--help' || one === '-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

/** Prints an error and exits with 2 if it is not a number. */
export function numberOf(text: string, flag: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= min && value <= max) return value;
  console.error(`${flag} ${text}: give a number from ${min} to ${max}`);
  process.exit(2);
}

export function wholeOf(text: string, flag: string, min: number, max: number): number {
  const value = numberOf(text, flag, min, max);
  if (Number.isInteger(value)) return value;
  console.error(`${flag} ${text}: give a whole number from ${min} to ${max}`);
  process.exit(2);
}

/** The first signal ends the work early and cleans up; after a second one the watchdog cleans up. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(130);
    console.error('Interrupted: ending the peers. Once more ends at once.');
    interruption.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    return await work(interruption.signal);
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
  }
}
