/** A peer in its own process, controlled over IPC, one command at a time. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** The Node flags of bin/chordial; without them each peer takes a hundred megabytes more. */
export const peerFlags: readonly string[] = ['--max-semi-space-size=2', '--heap-growing-percent=100'];

/** Rejects if the child ends or reports a failure. */
export async function ask(peer: ChildProcess, task: object): Promise<Record<string, unknown>> {
  const answer = answerOf(peer);
  peer.send(task);
  return answer;
}

/** The next message of the child; rejects like `ask`. */
export async function answerOf(peer: ChildProcess): Promise<Record<string, unknown>> {
  const over = new AbortController();
  const { signal } = over;
  const ended = once(peer, 'exit', { signal }).then(() => Promise.reject(new Error('a peer ended by itself')));
  try {
    const [answer] = (await Promise.race([once(peer, 'message', { signal }), ended])) as [Record<string, unknown>];
    if (typeof answer['error'] === 'string') throw new Error(answer['error']);
    return answer;
  } finally {
    over.abort();
    ended.catch(() => undefined);
  }
}
