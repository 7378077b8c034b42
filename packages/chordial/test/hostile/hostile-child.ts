/** The handle on the process of the hostile hosts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Target } from './attack.ts';
import type { Answer, Order } from './hostile-process.ts';

const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'hostile-process.ts');

export class HostileChild implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  /** `hosts` members that joined through `through`, a peer of this machine that left an invite in `runtime`. */
  static async start(
    { through, runtime, hosts }: { readonly through: string; readonly runtime: string; readonly hosts: number },
    started: (pid: number) => void,
  ): Promise<HostileChild> {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    if (child.pid !== undefined) started(child.pid);
    const hostile = new HostileChild(child);
    await hostile.#order({ kind: 'join', through, runtime, hosts });
    return hostile;
  }

  /** Resolves at the end of the attack with the counts of its actions. */
  attack(name: string, milliseconds: number, targets: readonly Target[]): Promise<Readonly<Record<string, number>>> {
    return this.#order({ kind: 'attack', name, milliseconds, targets });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #order(order: Order): Promise<Readonly<Record<string, number>>> {
    const gone = this.#exited.then(() => Promise.reject(new Error('the hostile process is gone')));
    gone.catch(() => undefined);
    const answered = once(this.#child, 'message') as Promise<[Answer]>;
    this.#child.send(order);
    const [answer] = await Promise.race([answered, gone]);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer.done;
  }
}
