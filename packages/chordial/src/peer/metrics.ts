/** The figures of a peer for monitoring, taken from its parts. The API adds those of the process and of its own answers. */
import type { SearchParts } from './build-search.ts';
import type { Metric, Peer, Sample } from './peer.ts';

const peerStates = ['alive', 'suspected', 'away', 'left', 'dead'] as const;
const transferStates = ['running', 'paused', 'done', 'failed', 'cancelled'] as const;

type Shown = Pick<Peer, 'status' | 'peers' | 'stored'>;

export function peerMetrics({ data, network }: SearchParts, shown: Shown): readonly Metric[] {
  const { members, hosts } = shown.status('none');
  const { blocks, bytes, cachedBytes } = shown.stored();
  const { received, sent, pings, questions } = network.transport.traffic;
  const refusals = Object.entries(network.transport.counters).map(([reason, value]) => ({ labels: { reason }, value }));
  return [
    gauge('chordial_ring_members', 'Members (virtual nodes) known to be alive', {}, members),
    gauge('chordial_ring_hosts', 'Hosts known to be alive', {}, hosts),
    gauges('chordial_watched_peers', 'Peers whose heartbeat is watched, by state', byState(shown.peers(), peerStates)),
    gauges('chordial_transfers', 'Transfers by state', byState(data.transfers.list(), transferStates)),
    gauge('chordial_stored_blocks', 'Blocks held for the network', {}, blocks),
    gauge('chordial_stored_bytes', 'Bytes of the blocks held', {}, bytes),
    gauge('chordial_cached_bytes', 'Bytes of blocks held besides, which go first when room is short', {}, cachedBytes),
    counter('chordial_received_bytes_total', 'Bytes from other peers', received),
    counter('chordial_sent_bytes_total', 'Bytes to other peers', sent),
    counter('chordial_pings_total', 'Heartbeats sent to other peers', pings),
    counter('chordial_questions_total', 'Requests and streams opened to other peers', questions),
    counters('chordial_refused_total', 'What other peers sent that was not answered as asked, by reason', refusals),
  ];
}

/** One sample per state, including empty ones: a series that comes and goes breaks sums. */
function byState(things: readonly { readonly state: string }[], states: readonly string[]): readonly Sample[] {
  return states.map((state) => ({ labels: { state }, value: things.filter((one) => one.state === state).length }));
}

export function gauge(name: string, help: string, labels: Readonly<Record<string, string>>, value: number): Metric {
  return { name, type: 'gauge', help, samples: [{ labels, value }] };
}

function gauges(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'gauge', help, samples };
}

export function counter(name: string, help: string, value: number): Metric {
  return { name, type: 'counter', help, samples: [{ value }] };
}

export function counters(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'counter', help, samples };
}
