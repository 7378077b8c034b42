/** `/metrics`: what a monitoring system observes of a peer. */

import { performance } from 'node:perf_hooks';
import type { FastifyInstance } from 'fastify';
import packageJson from '../../package.json' with { type: 'json' };
import { counter, counters, gauge } from '../peer/metrics.ts';
import type { Metric } from '../peer/peer.ts';
import type { ApiContext } from './context.ts';

const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

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
      ...(isStarted() ? peer().metrics() : []),
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
