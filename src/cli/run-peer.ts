/**
 * A peer in the foreground: the API's port is taken first, since finding it taken must not disturb a ring; then the
 * peer starts, a note in its data folder lets other commands find it, and it runs until a signal or `chordial leave`.
 */
import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type RunningApi, startApi } from '../api/server.ts';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import type { PeerConfiguration } from '../node/configuration.ts';
import type { Peer, PeerEvent } from '../node/peer.ts';
import { removeRuntimeFile, writeRuntimeFile } from '../storage/runtime-folder.ts';
import { apiTokenOf, keepApiToken } from './api-token.ts';
import { EndSignals, maximumStopMilliseconds } from './end-signals.ts';
import { PeerLines } from './peer-lines.ts';
import { keyFile, removeNote, writeNote } from './running-peer.ts';

/** `ended` resolves when the peer has stopped or left, however that came about; `failure` says why it ended by itself. */
export type EndingPeer = Peer & {
  readonly ended?: Promise<void>;
  readonly failure?: ChordialError | null;
  /** What it is waiting for while it stops. */
  readonly closing?: string | null;
};
export type StartPeer = (configuration: PeerConfiguration) => Promise<EndingPeer>;

export interface RunOptions {
  readonly json: boolean;
}

/** Else code is only kept at a clean exit, and peers are killed. One killed before only starts slower next time. */
const compiledCodeDelayMilliseconds = 3000;
/** A peer has settled by then: what starting and joining left behind is collected once (9 MB for a pause of 40 ms). */
const settledMilliseconds = 70_000;
const keyBytes = 32;

/** Returns the exit code. Throws whatever kept the peer from starting. */
export async function runPeer(
  configuration: PeerConfiguration,
  startPeer: StartPeer,
  options: RunOptions,
): Promise<number> {
  const lines = new PeerLines(options.json, configuration.logLevel);
  const token = await apiTokenOf(configuration);
  let peer: EndingPeer | null = null;
  const localKey = randomBytes(keyBytes).toString('hex');
  using signals = new EndSignals(() => {
    const what = peer?.closing ?? (peer === null ? 'the start' : 'what the system was asked for');
    const text = `Not ended after ${maximumStopMilliseconds / 1000} s: gave up ${what}. What was acknowledged is safe on disk.`;
    lines.event({ time: new Date().toISOString(), kind: 'gave-up', text });
  });
  const api = await startApi({
    listen: configuration.api,
    peer: () => peer,
    afterLeave: () => signals.end(),
    onBug: (error) => lines.bug(error),
    onAnswer: (answer) => lines.event(answer),
    localKey,
    ...(token === null ? {} : { token }),
  });
  const key = keyFile(api.url);
  try {
    await keepKey(key, localKey);
    const onEvent = (event: PeerEvent) => {
      api.events.add(event);
      lines.event(event);
    };
    const onRecoveryKey = (key: string) => lines.recoveryKey(key);
    const told = { onEvent, onRecoveryKey, signal: signals.signal };
    const bound = { ...configuration, api: parseAddress(api.address), ...told };
    peer = await startUnlessEnded(startPeer, { ...bound, ...(token === null ? {} : { apiToken: token }) }, signals);
    if (token !== null) await keepApiToken(configuration.data, token);
    await serve(configuration, peer, api, lines, signals);
    if (peer.failure) throw peer.failure;
    return 0;
  } finally {
    await removeRuntimeFile(key, localKey);
    await api.close();
  }
}

/** Where it cannot be left, commands send and take the bytes of files themselves. */
async function keepKey(file: string, key: string): Promise<void> {
  try {
    await writeRuntimeFile(file, key);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
  }
}

async function serve(
  { data, save, share = [] }: PeerConfiguration,
  peer: EndingPeer,
  api: RunningApi,
  lines: PeerLines,
  signals: EndSignals,
): Promise<void> {
  try {
    const status = peer.status();
    await writeNote(data, { url: api.url, id: status.id, save: save ?? null });
    lines.ready(status, api.address, data);
    for (const folder of share) await shareFolder(peer, folder, lines);
    setTimeout(() => flushCompileCache(), compiledCodeDelayMilliseconds).unref();
    setTimeout(collectGarbage, settledMilliseconds).unref();
    void peer.ended?.then(() => signals.end());
    await signals.ended;
  } finally {
    // First gone from sight, then stopped: a command that finds the note finds a peer that answers.
    await removeNote(data);
    await peer.stop();
  }
}

/** V8 hands its collector out only to a context that is made after the flag. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}

/** A disk that is not there today must not keep the peer from starting. */
async function shareFolder(peer: Peer, folder: string, lines: PeerLines): Promise<void> {
  try {
    await peer.shares.add(folder);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    lines.event({ time: new Date().toISOString(), kind: 'share-failed', text: error.message });
  }
}

/** Ctrl-C while joining gives up: startPeer heeds the signal; whatever it had opened is closed again. */
async function startUnlessEnded(
  startPeer: StartPeer,
  configuration: PeerConfiguration,
  signals: EndSignals,
): Promise<EndingPeer> {
  try {
    const peer = await startPeer(configuration);
    if (!signals.signal.aborted) return peer;
    await peer.stop();
  } catch (error) {
    if (!signals.signal.aborted) throw error;
    throw interrupted(error);
  }
  throw interrupted(null);
}

function interrupted(cause: unknown): ChordialError {
  return new ChordialError(
    'interrupted',
    'The start was interrupted before the peer was a member. Start it again when you like.',
    { cause },
  );
}
