/** Samples the resident memory of processes several times a second: peak and growth. */
import { readFileSync } from 'node:fs';

const lookMilliseconds = 200;

export class MemoryWatch {
  readonly #pids: readonly number[];
  readonly #timer: NodeJS.Timeout;
  #begun: readonly number[] = [];
  #peaks: number[] = [];
  peakBytes = 0;

  constructor(pids: readonly number[]) {
    this.#pids = pids;
    this.begin();
    this.#timer = setInterval(() => this.#look(), lookMilliseconds).unref();
  }

  /** Resets the baseline of the growth. */
  begin(): void {
    this.#begun = this.#pids.map(residentBytes);
    this.#peaks = [...this.#begun];
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Peak and growth of each. */
  shown(): string {
    this.#look();
    const each = this.#peaks.map(
      (peak, index) => `${megabytes(peak)} (+${megabytes(peak - (this.#begun[index] ?? 0))})`,
    );
    return each.join(', ');
  }

  #look(): void {
    for (const [index, pid] of this.#pids.entries()) {
      this.#peaks[index] = Math.max(this.#peaks[index] ?? 0, residentBytes(pid));
      this.peakBytes = Math.max(this.peakBytes, this.#peaks[index] ?? 0);
    }
  }
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

/** 0 for a process that is gone. */
function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
