/** How much each kind of event matters to anyone who reads the log. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What is not named here is `info`. */
const levels: Readonly<Record<string, LogLevel>> = {
  request: 'debug',
  // Of a peer in a large network there are many each second.
  answered: 'debug',
  forwarded: 'debug',
  'peer-dead': 'warn',
  stranded: 'warn',
  merge: 'warn',
  clock: 'warn',
  repaired: 'warn',
  'share-failed': 'warn',
  damaged: 'warn',
  'gave-up': 'warn',
  'no-note': 'warn',
  unprotected: 'warn',
  removed: 'error',
  'member-removed': 'warn',
  'runtime-folder': 'warn',
  bug: 'error',
};

interface Levelled {
  readonly kind: string;
  /** Where its kind alone does not say it. */
  readonly level?: LogLevel;
}

export function levelOf({ kind, level }: Levelled): LogLevel {
  return level ?? levels[kind] ?? 'info';
}

/** Whether it is to be written when `least` and what matters more is. */
export function isLogged(event: Levelled, least: LogLevel): boolean {
  return logLevels.indexOf(levelOf(event)) >= logLevels.indexOf(least);
}
