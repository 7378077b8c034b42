/** A progress bar on a terminal for what takes more than a second. */
import { formatDuration } from '../peer/quantities.ts';
import { formatBytes } from '../transfer/format-bytes.ts';

const delayMilliseconds = 1_000;

interface Bar {
  start(total: number, value: number, payload: object): void;
  update(value: number, payload: object): void;
  setTotal(total: number): void;
  stop(): void;
}

/** Progress of a transfer. */
export interface ShownProgress {
  update(bytesDone: number, bytesTotal: number | null): Promise<void>;
  end(): void;
}

/** One bar for concurrent transfers: the sum of their bytes. */
export class SumOfProgress {
  readonly #bar: ShownProgress;
  #bytesDone = 0;

  constructor(bar: ShownProgress) {
    this.#bar = bar;
  }

  /** Progress of one of them, which stays in the sum after its end. */
  part(): ShownProgress {
    let before = 0;
    return {
      update: (bytesDone) => {
        this.#bytesDone += bytesDone - before;
        before = bytesDone;
        return this.#bar.update(this.#bytesDone, null);
      },
      end: () => undefined,
    };
  }

  end(): void {
    this.#bar.end();
  }
}

export class Progress implements ShownProgress {
  readonly #label: string;
  readonly #isShown: boolean;
  readonly #started = performance.now();
  #bar: Bar | null = null;

  constructor(label: string, options: { readonly json?: boolean }) {
    this.#label = label;
    this.#isShown = process.stderr.isTTY === true && options.json !== true;
  }

  async update(bytesDone: number, bytesTotal: number | null): Promise<void> {
    const elapsed = performance.now() - this.#started;
    if (!this.#isShown || elapsed < delayMilliseconds) return;
    const rate = (bytesDone / elapsed) * 1_000;
    const left =
      bytesTotal === null || rate === 0 ? '' : `, ${formatDuration(((bytesTotal - bytesDone) / rate) * 1_000)} left`;
    const told = `${formatBytes(bytesDone)}${bytesTotal === null ? '' : ` of ${formatBytes(bytesTotal)}`}, ${formatBytes(rate)}/s${left}`;
    this.#bar ??= await this.#open(bytesTotal ?? bytesDone, told);
    this.#bar.setTotal(Math.max(bytesTotal ?? bytesDone, 1));
    this.#bar.update(bytesDone, { told });
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  /** Loaded here, so that commands without a bar start fast. */
  async #open(total: number, told: string): Promise<Bar> {
    const { default: library } = await import('cli-progress');
    const format = `${this.#label.replaceAll('{', '(')} {bar} {told}`;
    const options = { format, clearOnComplete: true, hideCursor: true, stream: process.stderr };
    const bar = new library.SingleBar(options, library.Presets.shades_classic);
    bar.start(Math.max(total, 1), 0, { told });
    return bar;
  }
}
