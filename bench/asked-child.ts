/** A peer in a process of its own that is told what to do over IPC, one task after the other. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What bin/chordial gives Node for a peer: without it each takes a hundred megabytes more. */
export const peerFlags: readonly string[] = ['--max-semi-space-size=2', '--heap-growing-percent=100'];

/** Rejects when the child ends instead, or says that it could not. */
export async function ask(peer: ChildProcess, task: object): Promise<Record<string, unknown>> {
  const answer = answerOf(peer);
  peer.send(task);
  return answer;
}

/** The next thing that the child says; rejects as `ask` does. */
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
