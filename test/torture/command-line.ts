/** What the commands of this folder share: numbers that are checked, and Ctrl-C that leaves nothing behind. */

/** Ends the process with 2 and a line when it is none. */
export function numberOf(text: string, flag: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most) return value;
  console.error(`${flag} ${text}: give a number from ${least} to ${most}`);
  process.exit(2);
}

/** The first signal asks the work to end early and clean up; the watchdog beside it cleans up after a second one. */
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
