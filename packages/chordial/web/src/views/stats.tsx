/** Peers and their last heartbeat, queries, throughput. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { MemberList, PeerStatus, Stats } from '../../../src/client/answers.ts';
import { useAnswer } from '../live.ts';
import { Copyable, Empty, Failure } from '../parts.tsx';
import { Plot } from '../plot.tsx';
import { follow } from '../route.ts';
import { Rows } from '../rows.tsx';
import { counted, duration, moment, rate, shortHash, shortPeer, size, visible } from '../shown.ts';

const keptSamples = 120;

export function StatsView() {
  const { value: stats, failure, again } = useAnswer('GET /api/v1/stats', {}, 2000);
  const { value } = useAnswer('GET /api/v1/peers', {}, 1000);
  const samples = useSamples(stats);
  return (
    <>
      <Failure failure={failure} again={again} />
      {stats === null ? null : (
        <div class="figures">
          <Figure what="Peers" figure={String(stats.hosts)} note={counted(stats.members, 'member')} />
          <Figure what="Running for" figure={duration(stats.uptimeSeconds)} />
          <Figure what="Memory" figure={size(stats.residentBytes)} />
          <Plot label="Received" values={samples.map(({ received }) => received)} shown={rate} />
          <Plot label="Sent" values={samples.map(({ sent }) => sent)} shown={rate} />
        </div>
      )}
      <h2>Other peers</h2>
      {value?.peers.length === 0 ? (
        <Empty title="No other peers yet.">
          <p>Start another with: chordial start --join HOST:PORT, with the address that this peer listens at.</p>
        </Empty>
      ) : (
        <Rows label="Peers" columns={peerColumns} rows={value?.peers ?? []} keyOf={({ id }) => id} />
      )}
      <Members />
      <h2>Recent queries</h2>
      <Queries stats={stats} />
    </>
  );
}

type Member = MemberList['members'][number];

/** The members of the network, or that it is open. */
function Members() {
  const { value, failure, again } = useAnswer('GET /api/v1/members', {}, 5000);
  return (
    <>
      <h2>Members</h2>
      <Failure failure={failure} again={again} />
      {value === null || value.admission === 'members' ? null : <p role="note">{unprotected[value.admission]}</p>}
      <Rows label="Members" columns={memberColumns} rows={value?.members ?? []} keyOf={({ id }) => id} />
    </>
  );
}

const unprotected = {
  open: 'This network is open: everybody who reaches a peer may join it, read everything in it and store.',
  classroom: 'This is a teaching ring: everybody who reaches a peer may join it and read everything.',
} as const;

const memberColumns = [
  {
    title: 'Member',
    kind: 'name',
    cell: ({ id, name, isSelf }: Member) => (
      <>
        {visible(name)}
        {isSelf ? ' (this peer)' : ''} <Copyable text={id} shown={shortPeer(id)} what="peer id" />
      </>
    ),
  },
  { title: 'State', cell: ({ state, isAdmin }: Member) => (isAdmin ? 'admin' : state) },
  { title: 'Since', kind: 'number', cell: ({ admittedAt }: Member) => admittedAt?.slice(0, 10) ?? '' },
  { title: 'Seen', kind: 'number', cell: ({ lastSeenAt }: Member) => lastSeenAt?.slice(0, 10) ?? '' },
] as const;

function Figure({ what, figure, note }: { readonly what: string; readonly figure: string; readonly note?: string }) {
  return (
    <div class="figure">
      <p class="soft">{what}</p>
      <p class="number">{figure}</p>
      <p class="soft">{note}</p>
    </div>
  );
}

const peerColumns = [
  {
    title: 'Peer',
    kind: 'name',
    cell: ({ id, name, address }: PeerStatus) => (
      <>
        <a href={`/?peer=${id}`} onClick={follow} title="What this peer publishes and shares">
          {visible(name)}
        </a>{' '}
        <span class="soft">{address}</span> <Copyable text={id} shown={shortPeer(id)} what="peer id" />
      </>
    ),
  },
  { title: 'State', cell: ({ state }: PeerStatus) => <span class={`state ${state}`}>{state}</span> },
  {
    title: 'Last heartbeat',
    kind: 'number',
    cell: ({ heartbeatAge }: PeerStatus) => (heartbeatAge === null ? 'never' : `${duration(heartbeatAge)} ago`),
  },
  {
    title: 'Last update',
    kind: 'wide',
    cell: ({ lastUpdate }: PeerStatus) =>
      lastUpdate === null ? (
        <span class="soft">unchanged</span>
      ) : (
        <time dateTime={lastUpdate}>{moment(lastUpdate)}</time>
      ),
  },
  {
    title: 'Round trip',
    kind: 'wide number',
    cell: ({ roundTripMilliseconds }: PeerStatus) =>
      roundTripMilliseconds === null ? '–' : `${roundTripMilliseconds.toFixed(1)} ms`,
  },
  { title: 'Members', kind: 'wide number', cell: ({ virtualNodes }: PeerStatus) => virtualNodes },
] as const;

/** Asked, answered and forwarded, newest first. */
function Queries({ stats }: { readonly stats: Stats | null }) {
  const queries = stats?.queries ?? [];
  if (queries.length === 0) return <p class="soft">This peer has neither asked nor answered a query yet.</p>;
  return (
    <Rows
      label="Recent queries"
      rows={queries}
      keyOf={({ id, role, time }) => `${id} ${role} ${time}`}
      columns={[
        { title: 'Query', kind: 'name', cell: ({ query }) => visible(query) },
        { title: 'Part', cell: ({ role }) => role },
        { title: 'Time', cell: ({ time }) => <time dateTime={time}>{moment(time)}</time> },
        { title: 'Query id', kind: 'wide', cell: ({ id }) => <code title={id}>{shortHash(id)}</code> },
        {
          title: 'Hash',
          kind: 'wide',
          cell: ({ hash }) =>
            hash === null ? <span class="soft">–</span> : <code title={hash}>{shortHash(hash)}</code>,
        },
        { title: 'Responses', kind: 'number', cell: ({ responses }) => responses },
      ]}
    />
  );
}

interface Sample {
  readonly received: number;
  readonly sent: number;
}

/** Rates from the counters of two responses; a gap while the page was hidden is one sample. */
function useSamples(stats: Stats | null): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const last = useRef<Stats | null>(null);
  useEffect(() => {
    const before = last.current;
    last.current = stats;
    if (stats === null || before === null) return;
    const seconds = stats.uptimeSeconds - before.uptimeSeconds;
    if (seconds <= 0) return setSamples([]);
    const received = Math.max(0, (stats.bytesReceived - before.bytesReceived) / seconds);
    const sent = Math.max(0, (stats.bytesSent - before.bytesSent) / seconds);
    setSamples((known) => [...known, { received, sent }].slice(-keptSamples));
  }, [stats]);
  return samples;
}
