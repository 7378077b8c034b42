/** Expected reads: acknowledged puts and removals, and operations with unknown outcome. */
import type { Random } from '@chordial/ring';
import { fileBytes } from './file-bytes.ts';

export interface Version {
  readonly seed: string;
  readonly size: number;
}

/** `changing`: a removal is in progress, or its outcome is unknown, so both answers are right. */
export type FileState = 'kept' | 'changing' | 'removed';

export interface TrackedFile {
  readonly name: string;
  /** Peer id of its publisher. */
  readonly publisher: string;
  /** Number of the publishing host, which alone may replace or remove it. */
  readonly host: number;
  state: FileState;
  current: Version;
  /** Replacements that may or may not have happened. */
  possible: Version[];
  /** Replaced by an acknowledged put: reading one of these is stale. */
  readonly former: Version[];
  /** False after an acknowledgement with fewer copies than wanted until stat shows all. */
  isFull: boolean;
  /** Written on the small side of a partition: unknown to the other side before healing. */
  isBeyondCut: boolean;
}

export type Judgement = 'right' | 'stale' | 'wrong';

export class Oracle {
  readonly files = new Map<string, TrackedFile>();

  /** A first put was acknowledged. */
  kept(name: string, version: Version, by: { publisher: string; host: number }, isFull: boolean): TrackedFile {
    const versions = { current: version, possible: [], former: [] };
    const file: TrackedFile = { name, ...by, state: 'kept', ...versions, isFull, isBeyondCut: false };
    this.files.set(name, file);
    return file;
  }

  replaced(file: TrackedFile, version: Version, isFull: boolean): void {
    file.former.push(file.current, ...file.possible.filter((one) => one !== version));
    file.current = version;
    file.possible = [];
    file.isFull = isFull;
  }

  in(state: FileState): readonly TrackedFile[] {
    return [...this.files.values()].filter((file) => file.state === state);
  }

  /** An acknowledged file that every host must be able to read now; null if none. */
  anyReadable(random: Random): TrackedFile | null {
    return pick(
      this.in('kept').filter((file) => !file.isBeyondCut),
      random,
    );
  }

  /** The partition has healed, and both sides know of each other's files. */
  cutIsOver(): void {
    for (const file of this.files.values()) file.isBeyondCut = false;
  }

  /** `before`: the versions that were current when the read began. */
  judge(file: TrackedFile, bytes: Uint8Array, before: readonly Version[]): Judgement {
    const isOneOf = (versions: readonly Version[]) => versions.some((version) => equals(version, bytes));
    if (isOneOf([...before, ...versionsOf(file)])) return 'right';
    return isOneOf(file.former) ? 'stale' : 'wrong';
  }
}

export function versionsOf(file: TrackedFile): readonly Version[] {
  return [file.current, ...file.possible];
}

export function pick<T>(items: readonly T[], random: Random): T | null {
  return items[Math.floor(random.next() * items.length)] ?? null;
}

function equals({ seed, size }: Version, bytes: Uint8Array): boolean {
  return size === bytes.length && fileBytes(seed, size).equals(bytes);
}
