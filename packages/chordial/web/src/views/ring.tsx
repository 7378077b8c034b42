/** The ring as this peer knows it: every member at its place, its arc in its peer's colour, failures as they happen. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { NodeStatus, PeerStatus, Pointer } from '../../../src/client/answers.ts';
import { useAnswer, useEvents } from '../live.ts';
import { Copyable, Empty, Failure } from '../parts.tsx';
import { type Drawing, drawingOf } from '../ring-geometry.ts';
import { open, useAddress } from '../route.ts';
import { counted, moment, shortPeer, shortRingId, visible } from '../shown.ts';
import { RingPicture } from './ring-picture.tsx';

/** How long members of a dead peer stay in the picture, faded. */
const ghostMilliseconds = 8000;

export function RingView() {
  const { value: node, failure, again } = useAnswer('GET /api/v1/node', { query: { fingers: 'distinct' } }, 5000);
  const { value: ring } = useAnswer('GET /api/v1/ring', {}, 3000);
  const { value: peers } = useAnswer('GET /api/v1/peers', {}, 2000);
  const file = useAddress().searchParams.get('file');
  const [chosen, setChosen] = useState<string | null>(null);
  const ghosts = useGhosts(ring?.members ?? null);
  const colours = useColours(ring?.members ?? [], node?.id ?? '');
  const bits = node?.bits ?? 256;
  const drawing = useMemo(
    () =>
      drawingOf(
        (ring?.members ?? []).map(({ ringId }) => ringId),
        bits,
      ),
    [ring, bits],
  );
  if (node === null || ring === null) return <Failure failure={failure} again={again} />;
  return (
    <div class="ring-view">
      <div class="ring-place">
        <RingPicture
          node={node}
          members={ring.members}
          drawing={drawing}
          ghosts={ghosts}
          colours={colours}
          chosen={chosen}
          choose={setChosen}
          file={<FileOnRing file={file} drawing={drawing} />}
        />
        <p class="legend">
          Dots are members, the places that peers take; arcs are the keys they own. From this peer:{' '}
          <b class="successor">successors</b> and <span class="fingers">fingers</span>.
          {file === null ? '' : ' Circled: who keeps the name of the file; the pin is its key.'}
          {drawing.isToScale ? '' : ' Members that crowd together are drawn apart.'}
        </p>
      </div>
      <div class="ring-side">
        <FileChoice file={file} />
        <section aria-label="Peers on the ring">
          <h2>
            {counted(node.hosts, 'peer')}, {counted(node.members, 'member')}
          </h2>
          {ring.members.length === 0 ? <Empty title="This peer is not on the ring yet." /> : null}
          <ul class="peers">
            {hostsOf(ring.members).map(({ host, name, address, members }) => (
              <li key={host}>
                <button
                  type="button"
                  aria-pressed={chosen === host}
                  onClick={() => setChosen(chosen === host ? null : host)}
                  onPointerEnter={() => setChosen(host)}
                  onPointerLeave={() => setChosen(null)}
                >
                  <span class="swatch" style={{ background: colours(host) }} />
                  <span class="grow">
                    {host === node.id ? 'This peer' : nameAndAddress(host, name, address)}{' '}
                    <code class="soft">{shortPeer(host)}</code>
                  </span>
                  <span class="soft">
                    {stateOf(host, node.id, peers?.peers)} · {members}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
        <Place node={node} />
        <Story />
      </div>
    </div>
  );
}

/** The name of a peer, and its address where that says more than part of its id. */
function nameAndAddress(host: string, name: string, address: string): string {
  return name === shortPeer(host) ? address : `${visible(name)} at ${address}`;
}

function stateOf(host: string, self: string, peers: readonly PeerStatus[] | undefined): string {
  return host === self ? 'here' : (peers?.find(({ id }) => id === host)?.state ?? '');
}

function FileChoice({ file }: { readonly file: string | null }) {
  const [text, setText] = useState(file ?? '');
  const { value: stat, failure } = useAnswer(
    'GET /api/v1/files/{name}/stat',
    file === null ? null : { path: { name: file } },
    5000,
  );
  return (
    <section aria-label="A file on the ring">
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          open(text === '' ? '/ring' : `/ring?file=${encodeURIComponent(text)}`);
        }}
      >
        <label class="grow">
          <span>Where does a file lie?</span>
          <input
            type="text"
            value={text}
            placeholder="name of a file"
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Show</button>
      </form>
      <Failure failure={failure} />
      {stat === null || file === null ? null : (
        <p class="soft lies">
          {counted(stat.blocks, 'block')} in {counted(stat.copies, 'copy', 'copies')}, held by{' '}
          {stat.holders.map(({ id, name, address }) => nameAndAddress(id, name, address)).join(', ')}.
        </p>
      )}
    </section>
  );
}

/** The file's key and the members that hold its name. */
function FileOnRing({ file, drawing }: { readonly file: string | null; readonly drawing: Drawing }) {
  const { value } = useAnswer('GET /api/v1/lookup/{wanted}', file === null ? null : { path: { wanted: file } }, 5000);
  if (value === null || file === null) return null;
  return <RingPicture.Key lookup={value} drawing={drawing} label={file} />;
}

function Place({ node }: { readonly node: NodeStatus }) {
  const [first, second] = node.successors;
  return (
    <section aria-label="Place of this peer">
      <h2>Place of this peer</h2>
      <dl>
        <dt>Ring id</dt>
        <dd>
          <Copyable text={node.ringId} shown={shortRingId(node.ringId, node.bits)} what="ring id" />
        </dd>
        <dt>Predecessor</dt>
        <dd>{shown(node.predecessor, node)}</dd>
        <dt>Successors</dt>
        <dd>
          {shown(first, node)}, then {shown(second, node)}
        </dd>
        <dt>Fingers</dt>
        <dd>{counted(node.fingers.length, 'distinct finger')}</dd>
      </dl>
    </section>
  );
}

function Story() {
  const { events } = useEvents();
  return (
    <section aria-label="What happens">
      <h2>What happens</h2>
      {events.length === 0 ? <p class="soft">Nothing yet.</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard too. */}
      <ol class="story" aria-live="polite" tabIndex={0}>
        {events.slice(0, 60).map(({ time, text }) => (
          <li key={`${time} ${text}`}>
            <time dateTime={time}>{moment(time)}</time> {visible(text)}
          </li>
        ))}
      </ol>
    </section>
  );
}

function shown(pointer: Pointer | null | undefined, { id, bits }: NodeStatus): string {
  if (pointer === null || pointer === undefined) return 'none';
  const { ringId, id: host, name, address } = pointer;
  return `${host === id ? 'this peer' : nameAndAddress(host, name, address)}, place ${shortRingId(ringId, bits)}`;
}

interface ShownHost {
  readonly host: string;
  readonly name: string;
  readonly address: string;
  readonly members: number;
}

function hostsOf(members: readonly Pointer[]): readonly ShownHost[] {
  const hosts = new Map<string, ShownHost>();
  for (const { id, name, address } of members) {
    hosts.set(id, { host: id, name, address, members: (hosts.get(id)?.members ?? 0) + 1 });
  }
  return [...hosts.values()].toSorted((a, b) => a.address.localeCompare(b.address, 'en', { numeric: true }));
}

/** A colour per peer, stable while the page is open; this peer has the accent colour. */
function useColours(members: readonly Pointer[], self: string): (host: string) => string {
  const places = useRef(new Map<string, number>());
  for (const { id } of members) if (!places.current.has(id)) places.current.set(id, places.current.size);
  return (host) => {
    if (host === self) return 'var(--accent)';
    // The golden angle separates neighbours in the list, for any number of peers.
    const hue = ((places.current.get(host) ?? 0) * 137.5 + 20) % 360;
    return `oklch(var(--peer-light) 0.12 ${hue.toFixed(0)})`;
  };
}

/** Members present a moment ago. */
function useGhosts(members: readonly Pointer[] | null): readonly Pointer[] {
  const before = useRef<readonly Pointer[]>([]);
  const gone = useRef(new Map<string, { member: Pointer; until: number }>());
  const [, redraw] = useState(0);
  useEffect(() => {
    if (members === null) return;
    const present = new Set(members.map(({ ringId }) => ringId));
    for (const member of before.current) {
      if (!present.has(member.ringId))
        gone.current.set(member.ringId, { member, until: Date.now() + ghostMilliseconds });
    }
    for (const id of present) gone.current.delete(id);
    before.current = members;
    redraw((count) => count + 1);
    const timer = setTimeout(() => redraw((count) => count + 1), ghostMilliseconds);
    return () => clearTimeout(timer);
  }, [members]);
  return useMemo(() => {
    for (const [id, { until }] of gone.current) if (until <= Date.now()) gone.current.delete(id);
    return [...gone.current.values()].map(({ member }) => member);
  }, [members, gone.current.size]);
}
