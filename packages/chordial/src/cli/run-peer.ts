/**
 * Runs a peer in the foreground: binds the API's port first, since a conflict must not disturb a ring; then starts the
 * peer, writes a note in its data folder for other commands, and runs until a signal or `chordial leave`.
 */
import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type RunningApi, startApi } from '../api/server.ts';
import { type DoorOptions, type RunningDoor, startDoor } from '../door/door.ts';
import { services } from '../door/services.ts';
import { ChordialError } from '../errors.ts';
import { readTlsPair, type TlsPair } from '../http/tls-files.ts';
import { parseAddress } from '../network/addresses.ts';
import type { PeerConfiguration } from '../peer/configuration.ts';
import type { Peer, PeerEvent } from '../peer/peer.ts';
import { apiTokenOf, keepApiToken } from './api-token.ts';
import { EndSignals, maxStopMilliseconds } from './end-signals.ts';
import { PeerLines } from './peer-lines.ts';
import { writeNotes } from './running-peer.ts';

/** `ended` resolves when the peer has stopped or left for any reason; `failure` is the reason if it ended by itself. */
export type EndingPeer = Peer & {
  readonly ended?: Promise<void>;
  readonly failure?: ChordialError | null;
  /** What it waits for while it stops. */
  readonly closing?: string | null;
};
export type StartPeer = (configuration: PeerConfiguration) => Promise<EndingPeer>;

export interface RunOptions {
  readonly json: boolean;
}

/** By then a peer has settled: garbage of starting and joining is collected once (9 MB for a pause of 40 ms). */
const settledMilliseconds = 70_000;
const keyBytes = 32;

/** Returns the exit code. Throws whatever prevented the start. */
export async function runPeer(
  configuration: PeerConfiguration,
  startPeer: StartPeer,
  options: RunOptions,
): Promise<number> {
  const lines = new PeerLines(options.json, configuration.logLevel);
  const token = await apiTokenOf(configuration);
  const tls = await apiTlsOf(configuration);
  let peer: EndingPeer | null = null;
  const localKey = randomBytes(keyBytes).toString('hex');
  using signals = new EndSignals(() => {
    const what = peer?.closing ?? (peer === null ? 'the start' : 'what the system was asked for');
    const text = `Not ended after ${maxStopMilliseconds / 1000} s: abandoned ${what}. What was acknowledged is safe on disk.`;
    lines.event({ time: new Date().toISOString(), kind: 'gave-up', text });
  });
  // Compiled code is otherwise cached only at a clean exit, and peers are killed. The first time this blocks for most
  // of a second, so it is done before anyone connects.
  flushCompileCache();
  const api = await startApi({
    listen: configuration.api,
    peer: () => peer,
    token,
    afterLeave: () => signals.end(),
    onBug: (error) => lines.bug(error),
    onAnswer: (answer) => lines.event(answer),
    localKey,
    ...(configuration.apiOrigin === undefined ? {} : { origin: configuration.apiOrigin }),
    ...(tls === null ? {} : { tls }),
  });
  let door: RunningDoor | null = null;
  try {
    const onEvent = (event: PeerEvent) => {
      api.events.add(event);
      lines.event(event);
    };
    door = await doorOf(configuration, { peer: () => peer, tell: onEvent, onBug: (error) => lines.bug(error) });
    const onRecoveryKey = (key: string) => lines.recoveryKey(key);
    const told = { onEvent, onRecoveryKey, signal: signals.signal };
    const ownDoor = door === null ? {} : { ownDoor: door.shown };
    const bound = { ...configuration, api: parseAddress(api.address), ...ownDoor, ...told };
    peer = await startUnlessEnded(startPeer, { ...bound, apiToken: token }, signals);
    await keepApiToken(configuration.data, token);
    await serve(bound, { peer, api, lines, signals, token, localKey, certificate: tls?.certificate ?? null });
    if (peer.failure) throw peer.failure;
    return 0;
  } finally {
    await Promise.all([api.close(), door?.close()]);
  }
}

interface Running {
  readonly peer: EndingPeer;
  readonly api: RunningApi;
  readonly lines: PeerLines;
  readonly signals: EndSignals;
  readonly token: string;
  readonly localKey: string;
  readonly certificate: string | null;
}

async function serve(configuration: PeerConfiguration, running: Running): Promise<void> {
  const { data, save, share = [], onEvent } = configuration;
  const { peer, api, lines, signals, token, localKey, certificate } = running;
  let removeNotes = async () => {};
  try {
    const tellFailure = ({ message: text }: Error) =>
      onEvent?.({ time: new Date().toISOString(), kind: 'no-note', text });
    const note = { url: api.url, proofKey: api.proofKey, certificate, save: save ?? null, token, localKey };
    removeNotes = await writeNotes(data, api.address, note, tellFailure);
    lines.ready(peer.status(), api, data);
    for (const folder of share) await shareFolder(peer, folder, lines);
    setTimeout(collectGarbage, settledMilliseconds).unref();
    void peer.ended?.then(() => signals.end());
    await signals.ended;
  } finally {
    // Notes are removed first: a command that finds a note finds a peer that answers.
    await removeNotes();
    await peer.stop();
  }
}

/** V8 exposes its collector only to contexts created after the flag is set. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect === 'function') collect();
}

/** Null when the API uses no TLS itself. */
async function apiTlsOf({ apiTlsCert, apiTlsKey }: PeerConfiguration): Promise<TlsPair | null> {
  if (apiTlsCert === undefined || apiTlsKey === undefined) return null;
  const flags = '--api-tls-cert and --api-tls-key';
  return readTlsPair({ certificate: apiTlsCert, key: apiTlsKey, what: 'the API', flags });
}

/** Null where none is wanted. */
async function doorOf(
  { door: listen, serve = ['links'], tlsCert, tlsKey, doorUrl: url }: PeerConfiguration,
  around: Pick<DoorOptions, 'peer' | 'tell' | 'onBug'>,
): Promise<RunningDoor | null> {
  if (listen === undefined) return null;
  const hasTls = tlsCert !== undefined && tlsKey !== undefined;
  return startDoor({
    ...around,
    listen,
    services: serve.map((name) => services[name]),
    ...(hasTls && { tls: { certificate: tlsCert, key: tlsKey } }),
    ...(url !== undefined && { url }),
  });
}

/** A disk that is missing today must not keep the peer from starting. */
async function shareFolder(peer: Peer, folder: string, lines: PeerLines): Promise<void> {
  try {
    await peer.shares.add(folder);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    lines.event({ time: new Date().toISOString(), kind: 'share-failed', text: error.message });
  }
}

/** Ctrl-C while joining cancels the start, and everything already opened is closed. */
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
