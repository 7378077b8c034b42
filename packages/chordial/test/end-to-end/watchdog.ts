/**
 * Ensures that no process or folder of a test outlives it, even after SIGKILL: a small shell beside it reads from a pipe that only the test holds open. When the pipe ends, for whatever
 * reason, the shell kills every process named on it, and every one whose command line names the folder, and removes
 * the folder. When the test was killed it looks a few times more: a process may just have been on its way to its first
 * line of code, and make the folder again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const script = `
trap '' INT TERM HUP
folder=$1
pids=
looks=3
end() {
  [ -z "$pids" ] || kill -9 $pids 2>/dev/null
  for line in $(grep -lsF -e "$folder" /proc/[0-9]*/cmdline); do
    pid=\${line#/proc/}
    pid=\${pid%/cmdline}
    [ "$pid" = $$ ] || kill -9 "$pid" 2>/dev/null
  done
  rm -rf "$folder"
}
while read -r sign pid; do
  rest=
  for each in $pids; do [ "$each" = "$pid" ] || rest="$rest $each"; done
  case $sign in
    +) pids="$rest $pid" ;;
    -) pids=$rest ;;
    .) looks=1 ;;
  esac
done
end
while [ $looks -gt 1 ] || [ -e "$folder" ]; do
  looks=$((looks - 1))
  [ $looks -gt -3 ] || break
  sleep 1
  end
done
`;

export class Watchdog implements AsyncDisposable {
  readonly #shell: ChildProcess;

  /** The folder is removed at the end. */
  constructor(folder: string) {
    // A group of its own: a signal to the test's group must not end it before its work.
    this.#shell = spawn('sh', ['-c', script, 'watchdog', folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    });
    this.#shell.stdin?.on('error', ignoreBrokenPipe);
  }

  watch(pid: number): void {
    this.#shell.stdin?.write(`+ ${pid}\n`);
  }

  /** Its pid may belong to another process from now on. */
  forget(pid: number): void {
    this.#shell.stdin?.write(`- ${pid}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const exit = once(this.#shell, 'exit');
    this.#shell.stdin?.end('. 0\n');
    await exit;
  }
}

/** Only a watchdog that was killed from outside breaks its pipe; the processes are then ended by the fixture alone. */
function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
