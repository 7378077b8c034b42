/** Who is on the LAN now, for commands that start no peer. */
import { setTimeout } from 'node:timers/promises';
import { InterfaceWatch } from '../network/interface-watch.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import type { HeardPeer } from './heard-peers.ts';
import { Lan, type LinkStatus } from './lan.ts';
import { openMulticast } from './multicast-socket.ts';

export interface Heard {
  readonly heard: readonly HeardPeer[];
  readonly links: readonly LinkStatus[];
}

/** Two questions, and the time to answer them. */
const listeningMilliseconds = 2000;

/** Says nothing of this machine but that it asks. */
export async function listenOnLan(): Promise<Heard> {
  const interfaces = new InterfaceWatch(systemClock);
  const lan = new Lan({ clock: systemClock, random: systemRandom, interfaces, open: openMulticast }, null);
  try {
    await setTimeout(listeningMilliseconds);
    return { heard: lan.heard, links: lan.links };
  } finally {
    lan.close();
    interfaces.close();
  }
}
