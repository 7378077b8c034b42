/** The machine on which results were measured, without its name. */
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import { root } from '../packages/chordial/test/results.ts';

const run = promisify(execFile);

export interface Surroundings {
  /** Short hash, with `+` if the tree had changes. */
  readonly commit: string;
  readonly machine: {
    readonly cores: number;
    readonly processor: string;
    readonly memoryGigabytes: number;
    readonly kernel: string;
    /** One-minute average at the start; above the number of cores other work was running. */
    readonly load: number;
  };
  readonly versions: Readonly<Record<string, string>>;
}

export async function surroundings(): Promise<Surroundings> {
  const cpus = os.cpus();
  return {
    commit: await commit(),
    machine: {
      cores: cpus.length,
      processor: cpus[0]?.model ?? 'unknown',
      memoryGigabytes: Math.round(os.totalmem() / 1e9),
      kernel: `${os.platform()} ${os.release().split('-')[0] ?? ''}`,
      load: Number((os.loadavg()[0] ?? 0).toFixed(1)),
    },
    versions: {
      node: process.versions.node,
      openssl: process.versions.openssl,
      nghttp2: process.versions.nghttp2 ?? '',
    },
  };
}

async function commit(): Promise<string> {
  try {
    const { stdout: hash } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: root });
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--', 'src', 'bin'], { cwd: root });
    return hash.trim() + (changes.trim() === '' ? '' : '+');
  } catch {
    return 'no repository';
  }
}
