/** `/metrics`: what a monitoring system observes of a peer. */

import { performance } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import packageJson from '../../package.json' with { type: 'json' };
import type { Peer } from '../peer/peer.ts';
import type { ApiContext } from './context.ts';

const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const peerStates = ['alive', 'suspected', 'away', 'left', 'dead'] as const;
const transferStates = ['running', 'paused', 'done', 'failed', 'cancelled'] as const;

export function metricsRoutes(app: FastifyInstance, { peer, isReady, isStarted }: ApiContext): void {
  const answered = new Map<string, number>();
  app.addHook('onResponse', async (_request, reply) => {
    const status = statusClasses[Math.floor(reply.statusCode / 100) - 1] ?? '5xx';
    answered.set(status, (answered.get(status) ?? 0) + 1);
  });

  const schema = { summary: 'Figures for Prometheus', produces: ['text/plain'] };
  app.get('/metrics', { schema }, async (_request, reply) => {
    const requests = statusClasses.map((status) => ({ labels: { status }, value: answered.get(status) ?? 0 }));
    const metrics = [
      ...processMetrics(),
      gauge('chordial_info', 'Always 1; the version is its label', { version: packageJson.version }, 1),
      gauge('chordial_member', '1 while this peer is a member of a ring', {}, isReady() ? 1 : 0),
      counters('chordial_http_requests_total', 'Answers of the API by class of status', requests),
      ...(isStarted() ? peerMetrics(peer()) : []),
    ];
    return reply.type(metricsType).header('Cache-Control', 'no-store').send(writeMetrics(metrics));
  });
}

function processMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge('process_start_time_seconds', 'Since 1970', {}, performance.timeOrigin / 1000),
    gauge('process_resident_memory_bytes', 'Memory in use', {}, process.memoryUsage.rss()),
    counter('process_cpu_seconds_total', 'User and system', (user + system) / 1e6),
    gauge(
      'nodejs_eventloop_utilization',
      'Share of time that the event loop was busy since the start',
      {},
      performance.eventLoopUtilization().utilization,
    ),
  ];
}

function peerMetrics(peer: Peer): readonly Metric[] {
  const { members, hosts } = peer.status('none');
  const { blocks, bytes, cachedBytes } = peer.stored();
  const { received, sent, pings, questions } = peer.traffic();
  const refusals = Object.entries(peer.refusals()).map(([reason, value]) => ({ labels: { reason }, value }));
  return [
    gauge('chordial_ring_members', 'Members (virtual nodes) known to be alive', {}, members),
    gauge('chordial_ring_hosts', 'Hosts known to be alive', {}, hosts),
    gauges('chordial_watched_peers', 'Peers whose heartbeat is watched, by state', byState(peer.peers(), peerStates)),
    gauges('chordial_transfers', 'Transfers by state', byState(peer.transfers.list(), transferStates)),
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

function gauge(name: string, help: string, labels: Readonly<Record<string, string>>, value: number): Metric {
  return { name, type: 'gauge', help, samples: [{ labels, value }] };
}

function gauges(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'gauge', help, samples };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, type: 'counter', help, samples: [{ value }] };
}

function counters(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: 'counter', help, samples };
}

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

export function writeMetrics(metrics: readonly Metric[]): string {
  return metrics.map(metricText).join('');
}

function metricText({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
