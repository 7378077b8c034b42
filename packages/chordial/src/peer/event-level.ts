/** Log level of each kind of event. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Kinds not listed are `info`. */
const levels: Readonly<Record<string, LogLevel>> = {
  request: 'debug',
  // In a large network there are many per second.
  answered: 'debug',
  forwarded: 'debug',
  'peer-dead': 'warn',
  isolated: 'warn',
  merge: 'warn',
  clock: 'warn',
  repaired: 'warn',
  'share-failed': 'warn',
  damaged: 'warn',
  'gave-up': 'warn',
  'store-fault': 'warn',
  'no-note': 'warn',
  unprotected: 'warn',
  removed: 'error',
  'member-removed': 'warn',
  'runtime-folder': 'warn',
  bug: 'error',
};

interface Levelled {
  readonly kind: string;
  /** For kinds with several levels. */
  readonly level?: LogLevel;
}

export function levelOf({ kind, level }: Levelled): LogLevel {
  return level ?? levels[kind] ?? 'info';
}

/** Whether an event is written at level `least`. */
export function isLogged(event: Levelled, least: LogLevel): boolean {
  return logLevels.indexOf(levelOf(event)) >= logLevels.indexOf(least);
}
