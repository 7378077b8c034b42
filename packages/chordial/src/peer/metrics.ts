/** The figures of a peer for monitoring, taken from its parts. The API adds those of the process and of its own answers. */
import { type Bandwidth, directions, trafficClasses } from '../network/bandwidth.ts';
import type { StoreCounts } from './build-blocks.ts';
import type { SearchParts } from './build-search.ts';
import type { OwnDoor } from './doors.ts';
import type { Metric, Peer, Sample, StoreStatus } from './peer.ts';

const peerStates = ['alive', 'suspected', 'away', 'left', 'dead'] as const;
const mappingStates = ['off', 'asking', 'no-gateway', 'no-router', 'refused', 'mapped'] as const;
const reachStates = ['loopback-only', 'unknown', 'open', 'hidden'] as const;
const storeStates = ['up', 'away', 'refused', 'full'] as const;
const storeOutcomes = ['answered', 'away', 'refused', 'full'] as const;
const transferStates = ['running', 'paused', 'done', 'failed', 'cancelled'] as const;

type Shown = Pick<Peer, 'status' | 'peers' | 'stored'>;

export function peerMetrics({ data, network, lan, storage }: SearchParts, shown: Shown): readonly Metric[] {
  const { members, hosts, reach, portMapping, door } = shown.status('none');
  const { blocks, bytes, cachedBytes } = shown.stored();
  const { received, sent, pings, questions } = network.transport.traffic;
  const { relayed } = network.transport;
  const ofLan = lan?.lan.counts ?? { sent: 0, received: 0, dropped: 0 };
  const messages = (['sent', 'received', 'dropped'] as const).map((way) => ({ labels: { way }, value: ofLan[way] }));
  const refusals = Object.entries(network.transport.counters).map(([reason, value]) => ({ labels: { reason }, value }));
  return [
    gauge('chordial_ring_members', 'Members (virtual nodes) known to be alive', {}, members),
    gauge('chordial_ring_hosts', 'Hosts known to be alive', {}, hosts),
    gauges(
      'chordial_reach',
      'Whether others can dial this peer: 1 for what members say',
      byState([reach], reachStates),
    ),
    gauges('chordial_port_mapping', 'The port of the router: 1 for its state', byState([portMapping], mappingStates)),
    gauge('chordial_relay_hosts', 'Peers that others reach through this one as a relay', {}, relayed.registered),
    gauge('chordial_relay_tunnels', 'Tunnels open through this peer', {}, relayed.tunnels),
    counter('chordial_relayed_bytes_total', 'Bytes copied between peers as their relay', relayed.bytes),
    gauges('chordial_watched_peers', 'Peers whose heartbeat is watched, by state', byState(shown.peers(), peerStates)),
    gauges('chordial_transfers', 'Transfers by state', byState(data.transfers.list(), transferStates)),
    gauge('chordial_stored_blocks', 'Blocks held for the network', {}, blocks),
    gauge('chordial_stored_bytes', 'Bytes of the blocks held', {}, bytes),
    gauge(
      'chordial_copies_in_shared_zones',
      'Copies of blocks that this peer looks after, in the zone of another copy',
      {},
      data.copiesInSharedZones(),
    ),
    gauge('chordial_cached_bytes', 'Bytes of blocks held besides, which go first when room is short', {}, cachedBytes),
    gauges(
      'chordial_limit_bytes_per_second',
      'Limit on bytes per second each way; -1: none',
      limits(network.bandwidth),
    ),
    gauge('chordial_stopped', '1 while puts and gets wait because the limit is stop', {}, isStopped(network.bandwidth)),
    counters('chordial_moved_bytes_total', 'Payload over bulk connections, by class', moved(network.bandwidth)),
    counter('chordial_received_bytes_total', 'Bytes from other peers', received),
    counter('chordial_sent_bytes_total', 'Bytes to other peers', sent),
    counters('chordial_lan_messages_total', 'Messages of multicast DNS about peers, by what became of them', messages),
    gauge('chordial_lan_heard_peers', 'Peers heard on the local network, of any network', {}, heardOn(lan)),
    ...(door === null ? [] : ofDoor(door)),
    ...(storage.store === null ? [] : ofStore(storage.store.status(), storage.store.counts())),
    counter('chordial_pings_total', 'Heartbeats sent to other peers', pings),
    counter('chordial_questions_total', 'Requests and streams opened to other peers', questions),
    counters('chordial_refused_total', 'What other peers sent that was not answered as asked, by reason', refusals),
  ];
}

function ofDoor({ requests, connections, tls }: OwnDoor): readonly Metric[] {
  return [
    gauge('chordial_door_requests', 'Requests of visitors in progress', {}, requests),
    gauge('chordial_door_connections', 'Connections of visitors', {}, connections),
    ...(tls === null
      ? []
      : [
          gauge(
            'chordial_door_tls_fault',
            '1 while the files of certificate and key cannot be used',
            {},
            tls.fault === null ? 0 : 1,
          ),
          gauge('chordial_door_certificate_expires_seconds', 'Since 1970', {}, Date.parse(tls.expires) / 1000),
        ]),
  ];
}

function ofStore(
  status: StoreStatus,
  { requests, milliseconds, bytes, waiting, cache }: StoreCounts,
): readonly Metric[] {
  const outcomes = storeOutcomes.map((outcome) => ({ labels: { outcome }, value: requests[outcome] }));
  const ways = directions.map((direction) => ({ labels: { direction }, value: bytes[direction] }));
  const reads = [
    { labels: { result: 'hit' }, value: cache.hits },
    { labels: { result: 'miss' }, value: cache.misses },
  ];
  return [
    gauges('chordial_store_state', 'The object store: 1 for its state', byState([status], storeStates)),
    counters('chordial_store_requests_total', 'Requests to the object store, by what came of them', outcomes),
    counter('chordial_store_seconds_total', 'That requests to the object store took together', milliseconds / 1000),
    counters('chordial_store_bytes_total', 'Bodies to and from the object store', ways),
    gauge('chordial_store_waiting', 'Requests to the object store that wait until others are over', {}, waiting),
    counters('chordial_store_cache_reads_total', 'Reads of blocks of the object store, by the cache', reads),
    gauge('chordial_store_cache_bytes', 'Blocks of the object store that are cached here', {}, status.cachedBytes),
  ];
}

function heardOn(lan: SearchParts['lan']): number {
  return new Set(lan?.lan.heard.map(({ label }) => label)).size;
}

function limits({ all }: Bandwidth): readonly Sample[] {
  return directions.map((direction) => ({ labels: { direction }, value: all[direction].perSecond ?? -1 }));
}

function isStopped({ limit }: Bandwidth): number {
  return limit === 'stop' ? 1 : 0;
}

function moved({ moved: bytes }: Bandwidth): readonly Sample[] {
  return directions.flatMap((direction) =>
    trafficClasses.map((traffic) => ({ labels: { direction, class: traffic }, value: bytes[direction][traffic] })),
  );
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
