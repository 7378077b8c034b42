/** The ring as this peer knows it: every member at its place, its arc in its peer's colour, failures as they happen. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { LookupResult, NodeStatus, PeerStatus, Pointer } from '../../../src/client/answers.ts';
import { useAnswer, useEvents } from '../live.ts';
import { Copyable, Empty, Failure, Moment, PeerName } from '../parts.tsx';
import { drawingOf } from '../ring-geometry.ts';
import { sceneAt } from '../ring-replay.ts';
import { open, useAddress } from '../route.ts';
import { Sentence } from '../sentence.tsx';
import { decimal, shortHash, shortRingId, visible } from '../shown.ts';
import { text } from '../strings/text.ts';
import { type Chosen, RingPicture } from './ring-picture.tsx';
import { Replay, type Replayed } from './ring-replay.tsx';

/** How long members of a dead peer stay in the picture, faded. */
const ghostMilliseconds = 8000;

export function RingView() {
  const { value: node, failure, again } = useAnswer('GET /api/v1/node', { query: { fingers: 'distinct' } }, 5000);
  const { value: ring } = useAnswer('GET /api/v1/ring', {}, 3000);
  const { value: peers } = useAnswer('GET /api/v1/peers', {}, 2000);
  const file = useAddress().searchParams.get('file');
  const { value: lookup, failure: notFound } = useAnswer(
    'GET /api/v1/lookup/{wanted}',
    file === null ? null : { path: { wanted: file } },
    10_000,
    'periodically',
  );
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const [replayed, setReplayed] = useState<Replayed | null>(null);
  const [walked, setWalked] = useState(0);
  const ghosts = useGhosts(ring?.members ?? null);
  const scene = useMemo(
    () => (replayed === null ? null : sceneAt(replayed.recording, replayed.time, ghostMilliseconds)),
    [replayed],
  );
  const members = scene?.members ?? ring?.members ?? [];
  const colours = useColours(members, node?.id ?? '');
  const zones = useMemo(() => zonesOf(members), [members]);
  const bits = node?.bits ?? 256;
  const drawing = useMemo(
    () =>
      drawingOf(
        members.map(({ ringId }) => ringId),
        bits,
      ),
    [members, bits],
  );
  if (node === null || ring === null) return <Failure failure={failure} again={again} />;
  const hosts = hostsOf(members);
  return (
    <div class="ring-view">
      <div class="ring-place">
        <RingPicture
          node={node}
          members={members}
          drawing={drawing}
          ghosts={scene?.ghosts ?? ghosts}
          colours={colours}
          zoneColours={zones.size === 0 ? null : (zone) => zones.get(zone) ?? null}
          chosen={chosen}
          choose={setChosen}
        >
          {lookup === null || file === null ? null : (
            <RingPicture.Key key={`${file} ${walked}`} lookup={lookup} node={node} drawing={drawing} label={file} />
          )}
        </RingPicture>
        <Zones zones={zones} members={members} chosen={chosen} choose={setChosen} />
        <p class="legend">
          {text.ring.legend} <b class="successor">{text.ring.successors}</b> {text.ring.and}{' '}
          <span class="fingers">{text.ring.fingers}</span>.{file === null ? '' : ` ${text.ring.legendFile}`}
          {drawing.isToScale ? '' : ` ${text.ring.legendApart}`}
        </p>
        <Replay replayed={replayed} show={setReplayed} />
      </div>
      <div class="ring-side">
        <FileChoice file={file} />
        {lookup === null || file === null ? (
          <Failure failure={file === null ? null : notFound} />
        ) : (
          <Way lookup={lookup} again={() => setWalked((count) => count + 1)} />
        )}
        <section aria-label={text.ring.peersOnRing}>
          <h2>
            {replayed === null ? null : <span class="tag">{text.ring.replayed}</span>}
            {text.ring.counts(
              replayed === null ? node.hosts : hosts.length,
              replayed === null ? node.members : members.length,
            )}
          </h2>
          {members.length === 0 ? <Empty title={text.ring.notOnRing} /> : null}
          <ul class="peers">
            {hosts.map(({ host, name, address, zone, members: places }) => {
              const isChosen = chosen?.kind === 'peer' && chosen.name === host;
              return (
                <li key={host}>
                  <button
                    type="button"
                    aria-pressed={isChosen}
                    title={`${address}\n${host}`}
                    onClick={() => setChosen(isChosen ? null : { kind: 'peer', name: host })}
                    onPointerEnter={() => setChosen({ kind: 'peer', name: host })}
                    onPointerLeave={() => setChosen(null)}
                  >
                    <span class="swatch" style={{ background: colours(host) }} />
                    <span class="grow">
                      {visible(name)}
                      {host === node.id ? <span class="tag">{text.parts.thisPeer}</span> : null}
                      {zone === null ? null : <span class="soft"> {text.ring.inZone(visible(zone))}</span>}
                    </span>
                    <span class="soft">
                      {[stateOf(host, node.id, peers?.peers), text.ring.places(places)].filter(Boolean).join(' · ')}
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
        <Place node={node} />
        <Story />
      </div>
    </div>
  );
}

function stateOf(host: string, self: string, peers: readonly PeerStatus[] | undefined): string {
  const state = peers?.find(({ id }) => id === host)?.state;
  return host === self || state === undefined ? '' : text.peer.states[state];
}

interface ZonesProps {
  readonly zones: ReadonlyMap<string, string>;
  readonly members: readonly Pointer[];
  readonly chosen: Chosen | null;
  readonly choose: (chosen: Chosen | null) => void;
}

/** What the outer band shows; nothing where no peer is in a zone. */
function Zones({ zones, members, chosen, choose }: ZonesProps) {
  if (zones.size === 0) return null;
  const hosts = hostsOf(members);
  return (
    <ul class="zones" aria-label={text.ring.zones}>
      {[...zones].map(([zone, colour]) => {
        const isChosen = chosen?.kind === 'zone' && chosen.name === zone;
        return (
          <li key={zone}>
            <button
              type="button"
              class="one"
              aria-pressed={isChosen}
              onClick={() => choose(isChosen ? null : { kind: 'zone', name: zone })}
              onPointerEnter={() => choose({ kind: 'zone', name: zone })}
              onPointerLeave={() => choose(null)}
            >
              <span class="swatch" style={{ background: colour }} />
              {visible(zone)}
              <span class="soft"> {text.ring.peers(hosts.filter((one) => one.zone === zone).length)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** Each zone with its colour, by name. */
function zonesOf(members: readonly Pointer[]): ReadonlyMap<string, string> {
  const names = [...new Set(members.flatMap(({ zone }) => zone ?? []))].sort();
  return new Map(
    names.map((name, place) => {
      const hue = ((place * 137.5 + 80) % 360).toFixed(0);
      return [name, `light-dark(oklch(0.5 0.13 ${hue}), oklch(0.8 0.11 ${hue}))`];
    }),
  );
}

function FileChoice({ file }: { readonly file: string | null }) {
  const [typed, setTyped] = useState(file ?? '');
  const { value: stat, failure } = useAnswer(
    'GET /api/v1/files/{name}/stat',
    file === null ? null : { path: { name: file } },
    5000,
  );
  return (
    <section aria-label={text.ring.aFile}>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          open(typed === '' ? '/ring' : `/ring?file=${encodeURIComponent(typed)}`);
        }}
      >
        <label class="grow">
          <span>{text.ring.whereLies}</span>
          <input
            type="text"
            value={typed}
            placeholder={text.ring.nameOfFile}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit">{text.ring.show}</button>
      </form>
      <Failure failure={failure} />
      {stat === null || file === null ? null : (
        <p class="soft lies">
          {text.ring.lies(
            stat.blocks,
            stat.copies,
            stat.holders.map(({ name, zone }) =>
              zone === null ? visible(name) : `${visible(name)} ${text.ring.inZone(visible(zone))}`,
            ),
          )}
        </p>
      )}
    </section>
  );
}

/** Who was asked for the owner of the key, one after the other. */
function Way({ lookup, again }: { readonly lookup: LookupResult; readonly again: () => void }) {
  const { asked, owner, hops, milliseconds } = lookup;
  return (
    <section aria-label={text.ring.way}>
      <div class="line titled">
        <h2 class="name">{text.ring.way}</h2>
        {asked.length === 0 ? null : (
          <button type="button" onClick={again}>
            {text.ring.walkAgain}
          </button>
        )}
      </div>
      <p class="soft">
        {asked.length === 0
          ? text.ring.ownsItself(visible(owner.name))
          : text.ring.found(hops, `${decimal(milliseconds, 1)} ms`)}
      </p>
      <ol class="hops">
        {asked.map(({ id, name, at, milliseconds: took, answer }) => (
          <li key={`${id} ${at}`} class={answer === 'owner' || answer === 'closer' ? '' : 'missed'}>
            <PeerName id={id} name={name} />{' '}
            <span class="soft">
              {text.ring.answers[answer]}
              {took === null ? '' : ` · ${decimal(took, 1)} ms`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Place({ node }: { readonly node: NodeStatus }) {
  const [first, second] = node.successors;
  return (
    <section aria-label={text.ring.place}>
      <h2>{text.ring.place}</h2>
      <dl>
        <dt>{text.ring.ringId}</dt>
        <dd>
          <Copyable text={node.ringId} shown={shortRingId(node.ringId, node.bits)} what={text.ring.ringId} />
        </dd>
        <dt>{text.ring.predecessor}</dt>
        <dd>{shown(node.predecessor, node)}</dd>
        <dt>{text.ring.successorsTitle}</dt>
        <dd>
          {shown(first, node)}, {text.ring.andThen} {shown(second, node)}
        </dd>
        <dt>{text.ring.fingersTitle}</dt>
        <dd>{text.ring.distinct(node.fingers.length)}</dd>
      </dl>
    </section>
  );
}

/** Sixty characters that tell people nothing. */
const wholeCid = /\bbafy[a-z2-7]{40,}\b/g;

function Story() {
  // Those for debugging would fill it, each time that a pointer changes.
  const events = useEvents().events.filter(({ level }) => level !== 'debug');
  return (
    <section aria-label={text.ring.happens}>
      <h2>{text.ring.happens}</h2>
      {events.length === 0 ? <p class="soft">{text.ring.nothingYet}</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard too. */}
      <ol class="story" aria-live="polite" tabIndex={0}>
        {events.slice(0, 60).map(({ time, ...said }) => (
          <li key={`${time} ${said.text}`}>
            <Moment time={time} /> <Sentence {...said} shortened={(told) => told.replace(wholeCid, shortHash)} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function shown(pointer: Pointer | null | undefined, { id, bits }: NodeStatus) {
  if (pointer === null || pointer === undefined) return text.ring.none;
  const { ringId, id: host, name } = pointer;
  return (
    <>
      {host === id ? text.ring.thisPeer : <PeerName id={host} name={name} />}{' '}
      <span class="soft">{text.ring.atPlace(shortRingId(ringId, bits))}</span>
    </>
  );
}

interface ShownHost {
  readonly host: string;
  readonly name: string;
  readonly address: string;
  readonly zone: string | null;
  readonly members: number;
}

function hostsOf(members: readonly Pointer[]): readonly ShownHost[] {
  const hosts = new Map<string, ShownHost>();
  for (const { id, name, address, zone } of members) {
    hosts.set(id, { host: id, name, address, zone, members: (hosts.get(id)?.members ?? 0) + 1 });
  }
  return [...hosts.values()].toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** A colour per peer, stable while the page is open; this peer has the accent colour. */
function useColours(members: readonly Pointer[], self: string): (host: string) => string {
  const places = useRef(new Map<string, number>());
  for (const { id } of members) if (!places.current.has(id)) places.current.set(id, places.current.size);
  return (host) => {
    if (host === self) return 'var(--accent)';
    // The golden angle separates neighbours in the list, for any number of peers.
    const hue = ((places.current.get(host) ?? 0) * 137.5 + 20) % 360;
    return `light-dark(oklch(0.62 0.12 ${hue.toFixed(0)}), oklch(0.72 0.12 ${hue.toFixed(0)}))`;
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
