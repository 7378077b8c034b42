/** The drawing of the ring: arcs, members, the successors of the chosen peer, and its fingers if it is this one. */
import type { ComponentChildren } from 'preact';
import type { LookupResult, NodeStatus, Pointer } from '../../../src/client/answers.ts';
import { arcPath, chordPath, type Drawing, maxLabels, pointAt } from '../ring-geometry.ts';
import { shortRingId, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

const radius = 100;
const arcRadius = 108;
const zoneRadius = 115;
/** In a teaching ring, where ids are numbers. */
const maxBitsOfNumbers = 32;

/** What stands out: a peer, or all of a zone. */
export interface Chosen {
  readonly kind: 'peer' | 'zone';
  readonly name: string;
}

interface PictureProps {
  readonly node: NodeStatus;
  readonly members: readonly Pointer[];
  readonly drawing: Drawing;
  readonly ghosts: readonly Pointer[];
  readonly colours: (host: string) => string;
  /** Null where no peer is in a zone. */
  readonly zoneColours: ((zone: string) => string | null) | null;
  readonly chosen: Chosen | null;
  readonly choose: (chosen: Chosen | null) => void;
  readonly children: ComponentChildren;
}

export function RingPicture({ node, members, drawing, ghosts, colours, chosen, choose, ...more }: PictureProps) {
  const { zoneColours, children } = more;
  const { place } = drawing;
  const inOrder = members
    .map((member) => ({ ...member, part: place(member.ringId) }))
    .toSorted((a, b) => a.part - b.part);
  const dot = inOrder.length > 300 ? 1.4 : inOrder.length > maxLabels ? 2.4 : 4;
  const isFaded = ({ id, zone }: Pick<Pointer, 'id' | 'zone'>): boolean =>
    chosen !== null && chosen.name !== (chosen.kind === 'peer' ? id : zone);
  const isTeaching = node.bits <= maxBitsOfNumbers;
  // Peers have a dozen places each: names would be there a dozen times.
  const isLabelled =
    inOrder.length <= maxLabels && (isTeaching || new Set(inOrder.map(({ id }) => id)).size === inOrder.length);
  const bands = zoneColours === null ? [] : bandsOf(inOrder);
  return (
    <svg class="ring" viewBox="-140 -140 280 280" role="img" aria-label={text.ring.picture(inOrder.length)}>
      {bands.map(({ zone, from, to }) => (
        <path
          key={`zone ${from}`}
          class="zone"
          d={arcPath(from, to, zoneRadius)}
          stroke={zoneColours?.(zone) ?? 'none'}
          opacity={chosen?.kind === 'zone' && chosen.name !== zone ? 0.15 : 1}
        >
          <title>{text.ring.inZone(visible(zone))}</title>
        </path>
      ))}
      {inOrder.map(({ ringId, id, zone, part }, index) => (
        <path
          key={`arc ${ringId}`}
          class="arc"
          d={arcPath(inOrder.at(index - 1)?.part ?? part, part, arcRadius)}
          stroke={colours(id)}
          opacity={isFaded({ id, zone }) ? 0.15 : 0.55}
        />
      ))}
      <circle class="line" r={radius} />
      {chosen === null || chosen.name === node.id ? <Links node={node} place={place} /> : null}
      {ghosts.map(({ ringId }) => (
        <circle key={`ghost ${ringId}`} class="ghost" r={dot} {...at(place(ringId), radius)} />
      ))}
      {inOrder.map(({ ringId, id, name, zone, part }) => (
        <circle
          key={ringId}
          class={id === node.id ? 'member self' : 'member'}
          r={dot}
          fill={colours(id)}
          opacity={isFaded({ id, zone }) ? 0.25 : 1}
          {...at(part, radius)}
          onPointerEnter={() => choose({ kind: 'peer', name: id })}
          onPointerLeave={() => choose(null)}
        >
          <title>{`${visible(name)} ${text.ring.atPlace(shortRingId(ringId, node.bits))}`}</title>
        </circle>
      ))}
      {isLabelled
        ? inOrder.map(({ ringId, name, part }) => (
            <text key={`label ${ringId}`} {...labelAt(part)}>
              {isTeaching ? shortRingId(ringId, node.bits) : visible(name).slice(0, maxLabelCharacters)}
            </text>
          ))
        : null}
      {children}
    </svg>
  );
}

/** A name in full may leave the picture. */
const maxLabelCharacters = 14;

interface Band {
  readonly zone: string;
  readonly from: number;
  readonly to: number;
}

/** Sectors of one zone: the keys that its members own. */
function bandsOf(inOrder: readonly (Pointer & { readonly part: number })[]): readonly Band[] {
  const bands: Band[] = [];
  for (const [index, { zone, part: to }] of inOrder.entries()) {
    const last = bands.at(-1);
    const from = inOrder.at(index - 1)?.part ?? to;
    if (zone === null) continue;
    if (last?.zone === zone && last.to === from) bands[bands.length - 1] = { ...last, to };
    else bands.push({ zone, from, to });
  }
  return bands;
}

interface LinksProps {
  readonly node: NodeStatus;
  readonly place: Drawing['place'];
}

/** Pointers of this peer's members: successors along the ring, fingers across it. */
function Links({ node, place }: LinksProps) {
  const [first] = node.virtualNodes;
  if (first === undefined) return null;
  const from = place(first.ringId);
  const fingers = first.fingers.flatMap(({ node: to }) =>
    to === null || to.ringId === first.ringId ? [] : [to.ringId],
  );
  return (
    <>
      {[...new Set(fingers)].map((to) => (
        <path key={`finger ${to}`} class="finger" d={chordPath(from, place(to), radius)} />
      ))}
      {first.successors.slice(0, 3).map(({ ringId }) => (
        <path key={`successor ${ringId}`} class="successor" d={chordPath(from, place(ringId), radius)} />
      ))}
    </>
  );
}

interface KeyProps {
  readonly lookup: LookupResult;
  readonly node: NodeStatus;
  readonly drawing: Drawing;
  readonly label: string;
}

/** A key on the ring, the members that hold it, and the way of its lookup, which is drawn step by step. */
function Key({ lookup, node, drawing, label }: KeyProps) {
  const part = drawing.place(lookup.key);
  const to = pointAt(part, 129);
  return (
    <g class="key">
      {stepsOf(lookup, node).map(({ from, to: next, isAnswered }, index) => (
        <g key={`${from} ${next}`} class={isAnswered ? 'hop' : 'hop missed'} style={{ '--hop': index }}>
          <path pathLength={1} d={chordPath(drawing.place(from), drawing.place(next), radius)} />
          <circle r={6} {...at(drawing.place(next), radius)} />
          <text {...numberAt(drawing.place(next))}>{index + 1}</text>
        </g>
      ))}
      {lookup.replicas.map(({ ringId, name }, index) => (
        <circle key={ringId} class="replica" r={index === 0 ? 7 : 6} {...at(drawing.place(ringId), radius)}>
          <title>{index === 0 ? text.ring.owner(visible(name)) : text.ring.replica(visible(name))}</title>
        </circle>
      ))}
      <path class="pin" d={`M${to.x} ${to.y}L${pointAt(part, 112).x} ${pointAt(part, 112).y}`} />
      <circle class="pin" r={3.2} cx={to.x} cy={to.y}>
        <title>{text.ring.keyOf(label)}</title>
      </circle>
    </g>
  );
}

/** From who answered last to who was asked next: those who answer name the next ones. */
function stepsOf({ asked }: LookupResult, node: NodeStatus) {
  let from = node.ringId;
  return asked.flatMap(({ ringId, answer }) => {
    if (ringId === null || answer === 'none') return [];
    const isAnswered = answer === 'owner' || answer === 'closer';
    const step = { from, to: ringId, isAnswered };
    if (isAnswered) from = ringId;
    return [step];
  });
}

function numberAt(part: number) {
  const { x, y } = pointAt(part, 88);
  return { x, y: y + 3, 'text-anchor': 'middle' } as const;
}
RingPicture.Key = Key;

function at(part: number, distance: number): { readonly cx: number; readonly cy: number } {
  const { x, y } = pointAt(part, distance);
  return { cx: x, cy: y };
}

function labelAt(part: number) {
  const { x, y } = pointAt(part, 121);
  return { x, y: y + 3, 'text-anchor': Math.abs(x) < 20 ? 'middle' : x > 0 ? 'start' : 'end' } as const;
}
