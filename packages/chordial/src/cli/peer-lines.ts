/** Output of `start`: plain lines of events, or with --json one object per line, the ready line first. */
import type { RunningApi } from '../api/server.ts';
import { isLoopback, parseAddress } from '../network/addresses.ts';
import { isLogged, type LogLevel, levelOf } from '../peer/event-level.ts';
import type { NodeStatus, PeerEvent } from '../peer/peer.ts';
import { plain } from './table.ts';

/** Events before the ready line; a join produces a dozen. */
const maxEarlyEvents = 512;

export class PeerLines {
  readonly #json: boolean;
  readonly #least: LogLevel;
  readonly #early: PeerEvent[] = [];
  #isReady = false;

  constructor(json: boolean, least: LogLevel = 'info') {
    this.#json = json;
    this.#least = least;
  }

  event(event: PeerEvent): void {
    if (!isLogged(event, this.#least)) return;
    if (!this.#json) print(`${clock(event.time)} ${plain(event.text)}`);
    else if (this.#isReady) this.#printEvent(event);
    else if (this.#early.length < maxEarlyEvents) this.#early.push(event);
  }

  ready(status: NodeStatus, api: Pick<RunningApi, 'address' | 'url' | 'pageLink'>, data: string): void {
    this.#isReady = true;
    const { id, name, ringId, network, listen, hosts, door } = status;
    if (this.#json) {
      print(
        JSON.stringify({
          event: 'ready',
          pid: process.pid,
          id,
          ringId,
          network,
          listen,
          api: api.address,
          door: door?.url ?? null,
        }),
      );
      for (const early of this.#early.splice(0)) this.#printEvent(early);
      return;
    }
    const now = clock(new Date().toISOString());
    print(
      `${now} ready: ${plain(name)}, peer ${id} at ${ringId} of network ${network}, ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`,
    );
    print(`${now} process ${process.pid} listening at ${listen}, API at ${api.url}, data in ${data}`);
    print(`${now} page: ${api.pageLink()}   (valid once within ten minutes; another link: chordial open)`);
    if (door !== null) print(`${now} ${doorLine(door)}`);
    print(
      `${now} others join with: chordial start --join ${listen}, on other machines with a line of "chordial invite"`,
    );
  }

  /** Shown to the person only: events are kept by the API and by logs. */
  recoveryKey(key: string): void {
    process.stderr.write(
      `Recovery key of this network, printed once and not stored: ${key}\nWrite it down. If its admins lose their keys, "chordial admin recover" makes new ones.\n`,
    );
  }

  bug(error: Error): void {
    const text = error.stack ?? error.message;
    if (this.#json) this.event({ time: new Date().toISOString(), kind: 'bug', text });
    else process.stderr.write(`chordial: this is a bug in Chordial, please report it. ${text}\n`);
  }

  #printEvent({ kind, level, ...event }: PeerEvent): void {
    print(JSON.stringify({ event: kind, level: levelOf({ kind, ...(level && { level }) }), ...event }));
  }
}

/** Where the door is, and who can listen in. */
function doorLine({ url, address, services, tls }: NonNullable<NodeStatus['door']>): string {
  const served = `door: ${url} serves ${services.join(', ')}`;
  if (tls !== null || url.startsWith('https:')) return served;
  if (isLoopback(parseAddress(address).host)) return `${served}, for this machine only`;
  return `${served}. Without TLS anybody between it and a visitor can listen in: give --tls-cert and --tls-key`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Local time of day: lines are read as they appear. */
function clock(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}
