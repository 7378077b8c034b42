/** Whether everything is safe, in words first; then copies, disks, rates, and the peers and queries behind them. */
import { useMemo } from 'preact/hooks';
import type { Health, History, NodeStatus, PeerStatus, Stats } from '../../../src/client/answers.ts';
import { LevelIcon } from '../health-sign.tsx';
import { useAnswer } from '../live.ts';
import { Bar, Empty, Failure, Moment, PeerName } from '../parts.tsx';
import { Plot } from '../plot.tsx';
import { follow, open, useAddress } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { Sentence } from '../sentence.tsx';
import { decimal, duration, exactly, rate, shortHash, size, timeOfDay, visible } from '../shown.ts';
import { sentence, text } from '../strings/text.ts';
import { awayPeers, ofCopies, rareBlocks, troubles, verdictOf } from '../verdict.ts';

export function HealthView() {
  const { value: health, failure, again } = useAnswer('GET /api/v1/health', {}, 3000, 'periodically');
  const { value: stats } = useAnswer('GET /api/v1/stats', {}, 2000);
  const { value: node } = useAnswer('GET /api/v1/node', { query: { fingers: 'none' } }, 10_000);
  const { value: listed } = useAnswer('GET /api/v1/peers', { query: { report: true } }, 2000);
  const peers = listed?.peers ?? [];
  const self = health?.disks.find(({ isSelf }) => isSelf);
  return (
    <>
      <Failure failure={failure} again={again} />
      {health === null ? null : <Said health={health} peers={peers} />}
      <div class="figures">
        {health === null ? null : <Disks disks={health.disks} />}
        {stats === null ? null : (
          <>
            <Figure what={text.health.peers} figure={String(stats.hosts)} note={text.health.places(stats.members)} />
            <Figure what={text.health.running} figure={duration(stats.uptimeSeconds)} />
            <Figure what={text.health.memory} figure={size(stats.residentBytes)} />
          </>
        )}
      </div>
      {health === null || health.atRisk.length === 0 ? null : <AtRisk files={health.atRisk} />}
      <h2>{text.health.peers}</h2>
      <Rows
        label={text.health.peers}
        columns={peerColumns}
        rows={[...(node === null ? [] : [ownRow(node, self)]), ...peers.map(rowOf)]}
        keyOf={({ id }) => id}
      />
      {listed?.peers.length === 0 ? (
        <Empty title={text.health.noPeers}>
          <p>{text.health.startPeers}</p>
        </Empty>
      ) : null}
      {health === null ? null : <Checks findings={health.findings} />}
      <Past />
      <h2>{text.health.queries}</h2>
      <Queries stats={stats} />
    </>
  );
}

/** The answer to what people open this view for. */
function Said({ health, peers }: { readonly health: Health; readonly peers: readonly PeerStatus[] }) {
  const verdict = verdictOf(health);
  const { copies, atRisk, disks } = health;
  const away = awayPeers(peers);
  const words = text.health.said;
  const said: Readonly<Record<typeof verdict.kind, () => readonly [string, string]>> = {
    safe: () => [words.safe, words.safeDetail(copies)],
    empty: () => [words.empty, words.emptyDetail],
    unknown: () => [words.unknown, words.unknownDetail],
    repairing: () => [
      words.repairing(copies.lacking ?? 0, copies.until === null ? null : timeOfDay(copies.until)),
      words.repairingDetail(copies.wanted),
    ],
    waiting: () => [
      words.waiting(away.map(({ name }) => visible(name))),
      words.waitingDetail(copies.lacking ?? 0, waitUntil(copies.waitsUntil)),
    ],
    'few-peers': () => [words.fewPeers(copies), words.fewPeersDetail(Math.max(1, copies.wanted - copies.hosts))],
    full: () => [words.full, words.fullDetail],
    risk: () => [
      atRisk.length === 0 ? words.riskElsewhere(rareBlocks(disks)) : words.risk(atRisk.length),
      words.riskDetail(away.map(({ name }) => visible(name))),
    ],
    trouble: () => [words.trouble, troubles(health).map(sentence).join(' ')],
  };
  const [title, detail] = said[verdict.kind]();
  return (
    <section class={`said ${verdict.level}`} aria-label={text.health.isSafe} aria-live="polite">
      <LevelIcon level={verdict.level} />
      <div>
        <p class="title">{title}</p>
        <p>{detail}</p>
        {away.length === 0 ? null : (
          <ul class="soft">
            {away.slice(0, maxAwayShown).map(({ id, name, lastHeartbeat }) => (
              <li key={id}>{words.away(visible(name), lastHeartbeat === null ? null : timeOfDay(lastHeartbeat))}</li>
            ))}
            {away.length > maxAwayShown ? <li>{words.moreAway(away.length - maxAwayShown)}</li> : null}
            <li>{words.awayShares}</li>
          </ul>
        )}
      </div>
    </section>
  );
}

const maxAwayShown = 5;

/** Null once it is over. */
function waitUntil(time: string | null): string | null {
  const seconds = time === null ? 0 : (Date.parse(time) - Date.now()) / 1000;
  return seconds < 1 ? null : duration(Math.round(seconds));
}

function AtRisk({ files }: { readonly files: Health['atRisk'] }) {
  return (
    <>
      <h2>{text.health.atRisk}</h2>
      <Rows
        label={text.health.atRisk}
        rows={files}
        keyOf={({ publisher, name }) => `${publisher} ${name}`}
        columns={[
          {
            title: text.health.file,
            kind: 'name',
            cell: ({ name, publisherName }) => (
              <>
                <a href={`/ring?file=${encodeURIComponent(name)}`} onClick={follow} title={text.health.whereItLies}>
                  {visible(name)}
                </a>{' '}
                <span class="soft">{text.health.by(visible(publisherName))}</span>
              </>
            ),
          },
          { title: text.health.copiesLeft, kind: 'number', cell: ({ copies }) => copies },
          { title: text.health.blocks, kind: 'wide number', cell: ({ blocks }) => blocks },
        ]}
      />
    </>
  );
}

/** What all peers hold of what they give. */
function Disks({ disks }: { readonly disks: Health['disks'] }) {
  const sum = (of: (disk: Health['disks'][number]) => number): number => disks.reduce((all, disk) => all + of(disk), 0);
  const [used, room] = [sum((disk) => disk.used), sum((disk) => disk.room)];
  return (
    <div class="figure disks">
      <p class="soft">{text.health.disks}</p>
      <p class="number">{size(used)}</p>
      <Bar part={used + room === 0 ? 0 : used / (used + room)} label={text.health.disks} />
      <p class="soft">
        {text.health.roomFor(
          size(room),
          sum(({ quota }) => (quota > 0 ? 1 : 0)),
        )}
      </p>
    </div>
  );
}

const spans = ['hour', 'day', 'month'] as const;

/** Rates, storage and queries; the stretch of time is in the address. */
function Past() {
  const given = useAddress().searchParams.get('span');
  const span = spans.find((one) => one === given) ?? 'hour';
  const every = span === 'hour' ? 10_000 : 60_000;
  const { value: rates, failure, again } = usePast('rates', span, every);
  const { value: storage } = usePast('storage', span, every);
  const { value: queries } = usePast('queries', span, every);
  return (
    <>
      <div class="line titled past">
        <h2 class="name">{text.health.past}</h2>
        <fieldset class="choice">
          <legend class="unseen">{text.health.span}</legend>
          {spans.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="span"
                checked={one === span}
                onChange={() => open(one === 'hour' ? '/health' : `/health?span=${one}`)}
              />
              <span class="word">{text.health.spans[one]}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <Failure failure={failure} again={again} />
      <div class="plots">
        <PastPlot history={rates} label={text.health.received} names={downNames} shown={rate} least={1000} />
        <PastPlot history={rates} label={text.health.sent} names={upNames} shown={rate} least={1000} />
        <PastPlot
          history={storage}
          label={text.health.stored}
          names={storedNames}
          limit="quota"
          shown={size}
          least={1_000_000}
        />
        <PastPlot
          history={queries}
          label={text.health.queriesOver}
          names={queryNames}
          shown={perMinute}
          least={1 / 30}
        />
      </div>
    </>
  );
}

const downNames = ['down people', 'down serving', 'down repair'] as const;
const upNames = ['up people', 'up serving', 'up repair'] as const;
const storedNames = ['used', 'cached'] as const;
const queryNames = ['asked', 'answered', 'forwarded'] as const;
type SeriesName =
  | (typeof downNames)[number]
  | (typeof upNames)[number]
  | (typeof storedNames)[number]
  | (typeof queryNames)[number]
  | 'quota';

function usePast(of: History['of'], span: History['span'], every: number) {
  return useAnswer('GET /api/v1/history', { query: { of, span } }, every, 'periodically');
}

interface PastPlotProps {
  readonly history: History | null;
  readonly label: string;
  readonly names: readonly SeriesName[];
  readonly limit?: SeriesName;
  readonly shown: (value: number) => string;
  readonly least: number;
}

function PastPlot({ history, label, names, limit, ...shown }: PastPlotProps) {
  const seriesOf = (name: SeriesName) => ({
    name: text.health.series[name],
    values: history?.series.find((one) => one.name === name)?.values ?? [],
  });
  const series = useMemo(() => names.map(seriesOf), [history, names]);
  if (history === null) return <div class="plot" />;
  const above = limit === undefined ? {} : { limit: seriesOf(limit) };
  return <Plot label={label} times={history.times} series={series} {...shown} {...above} />;
}

function perMinute(perSecond: number): string {
  return text.health.perMinute(perSecond * 60);
}

/** What was looked at, worst first. */
function Checks({ findings }: Pick<Health, 'findings'>) {
  const order = ['bad', 'note', 'good'];
  // The first sentence of the view says these.
  const others = findings.filter(({ check }) => !ofCopies.includes(check));
  const sorted = others.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  return (
    <section class="checks">
      <h2>{text.health.checks}</h2>
      <ul>
        {sorted.map(({ check, level, ...said }) => {
          return (
            <li key={`${check} ${said.text}`}>
              <LevelIcon level={level} />
              <b class="what">
                {text.health.check(check)}
                <span class="unseen"> ({text.health.levels[level]})</span>
              </b>
              <Sentence {...said} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Figure({ what, figure, note }: { readonly what: string; readonly figure: string; readonly note?: string }) {
  return (
    <div class="figure">
      <p class="soft">{what}</p>
      <p class="number">{figure}</p>
      <p class="soft">{note}</p>
    </div>
  );
}

interface PeerRow {
  readonly id: string;
  readonly name: string;
  readonly isSelf: boolean;
  readonly peer: PeerStatus | null;
  readonly report: PeerStatus['report'] | undefined;
  readonly places: number;
}

function rowOf(peer: PeerStatus): PeerRow {
  const { id, name, report, virtualNodes } = peer;
  return { id, name, isSelf: false, peer, report, places: virtualNodes };
}

function ownRow(node: NodeStatus, report: PeerRow['report']): PeerRow {
  const { id, name, virtualNodes } = node;
  return { id, name, isSelf: true, peer: null, report, places: virtualNodes.length };
}

const peerColumns: readonly Column<PeerRow>[] = [
  {
    title: text.health.peer,
    kind: 'name',
    cell: ({ id, name, isSelf, report }) => (
      <>
        <PeerName id={id} name={name} isSelf={isSelf} />
        <span class="beneath">
          {report === null || report === undefined ? null : text.health.holds(size(report.used), size(report.quota))}
        </span>
      </>
    ),
  },
  {
    title: text.health.state,
    cell: ({ peer }) =>
      peer === null ? (
        <span class="state alive">{text.health.here}</span>
      ) : (
        <span class={`state ${peer.state}`}>{text.peer.states[peer.state]}</span>
      ),
  },
  {
    title: text.health.held,
    kind: 'wide',
    cell: ({ report }) => {
      if (report === null || report === undefined) return <span class="soft">–</span>;
      const { used, quota, room } = report;
      if (quota === 0) return <span class="soft">{text.health.givesNothing}</span>;
      return (
        <div class="held" title={text.health.roomLeft(size(room))}>
          <Bar part={used / Math.max(1, used + room)} label={text.health.held} />
          <span class="soft">{text.health.holds(size(used), size(quota))}</span>
        </div>
      );
    },
  },
  {
    title: text.health.receiving,
    kind: 'wide number',
    cell: ({ peer }) => rateOr(peer?.moved.receiveRate, peer?.moved.received),
  },
  {
    title: text.health.sending,
    kind: 'wide number',
    cell: ({ peer }) => rateOr(peer?.moved.sendRate, peer?.moved.sent),
  },
  {
    title: text.health.heard,
    kind: 'wide number',
    cell: ({ peer }) => {
      if (peer === null) return '';
      const { heartbeatAge, lastHeartbeat } = peer;
      if (heartbeatAge === null || lastHeartbeat === null) return text.health.never;
      return (
        <time dateTime={lastHeartbeat} title={exactly(lastHeartbeat)}>
          {text.health.ago(duration(heartbeatAge))}
        </time>
      );
    },
  },
  {
    title: text.health.roundTrip,
    kind: 'wide number',
    cell: ({ peer }) => {
      const milliseconds = peer?.roundTripMilliseconds ?? null;
      return milliseconds === null ? '' : `${decimal(milliseconds, 1)} ms`;
    },
  },
  { title: text.health.placesTitle, kind: 'widest number', cell: ({ places }) => places },
];

function rateOr(perSecond: number | undefined, bytes: number | undefined) {
  if (perSecond === undefined || bytes === undefined) return '';
  return <span title={text.health.inAll(size(bytes))}>{perSecond === 0 ? '–' : rate(perSecond)}</span>;
}

/** Asked, answered and forwarded, newest first. */
function Queries({ stats }: { readonly stats: Stats | null }) {
  const queries = stats?.queries ?? [];
  if (queries.length === 0) return <p class="soft">{text.health.noQueries}</p>;
  return (
    <Rows
      label={text.health.queries}
      rows={queries}
      keyOf={({ id, role, time }) => `${id} ${role} ${time}`}
      columns={[
        { title: text.health.query, kind: 'name', cell: ({ query }) => visible(query) },
        { title: text.health.part, cell: ({ role }) => text.health.roles[role] },
        { title: text.health.time, cell: ({ time }) => <Moment time={time} /> },
        { title: text.health.queryId, kind: 'wide', cell: ({ id }) => <code title={id}>{shortHash(id)}</code> },
        {
          title: text.health.hash,
          kind: 'wide',
          cell: ({ hash }) =>
            hash === null ? <span class="soft">–</span> : <code title={hash}>{shortHash(hash)}</code>,
        },
        { title: text.health.responses, kind: 'number', cell: ({ responses }) => responses },
      ]}
    />
  );
}
