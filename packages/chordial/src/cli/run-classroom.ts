/** `chordial demo --classroom`: the textbook ring of seven, with the log of every peer, then lines typed by the class. */
import path from 'node:path';
import { ClassroomSteps } from './classroom-steps.ts';
import { DemoStage } from './demo-stage.ts';
import { sayJson } from './output.ts';
import type { DemoOptions } from './run-demo.ts';
import { converse, readLines } from './shell.ts';
import { ShellPrompt } from './shell-prompt.ts';
import { type RunCommand, ShellSession } from './shell-session.ts';
import { plain } from './table.ts';
import { TeachingPeers } from './teaching-peers.ts';

/** Printed by every peer and not about the ring. */
const untold: ReadonlySet<string> = new Set(['quota', 'starting']);

/** Returns the exit code: 1 when a line of a pipe failed. Throws when a step fails. */
export async function runClassroom({ peers, once, json }: DemoOptions, run: RunCommand): Promise<number> {
  await using stage = await DemoStage.open(json);
  const prompt = await ShellPrompt.open(path.join(stage.folder, 'history'), stage.signal);
  const teaching = new TeachingPeers(stage.network, {
    signal: stage.signal,
    tell: (id, { event, text }) => {
      if (untold.has(event)) return;
      if (json) sayJson({ event: 'peer', id, kind: event, text });
      else prompt.interject(`${`peer ${id}`.padStart(8)}: ${plain(text)}`);
    },
  });
  await new ClassroomSteps(stage, teaching, peers).all();
  if (once) return 0;
  await stage.tellPage('"quit" or Ctrl-C ends it; "help" lists list the commands');
  const session = new ShellSession({}, run, teaching);
  try {
    if (process.stdin.isTTY && !json) {
      await converse(session, prompt);
      return 0;
    }
    const { failures, hasQuit } = await readLines(session, stage.signal);
    if (!hasQuit) await stage.untilInterrupted();
    return failures > 0 ? 1 : 0;
  } finally {
    await session.close();
  }
}
