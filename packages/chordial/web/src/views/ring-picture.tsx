/** The drawing of the ring: arcs, members, the successors of the chosen peer, and its fingers if it is this one. */
import type { ComponentChildren } from 'preact';
import type { LookupResult, NodeStatus, Pointer } from '../../../src/client/answers.ts';
import { arcPath, chordPath, type Drawing, maxLabels, pointAt } from '../ring-geometry.ts';
import { shortRingId } from '../shown.ts';

const radius = 100;
const arcRadius = 108;

interface PictureProps {
  readonly node: NodeStatus;
  readonly members: readonly Pointer[];
  readonly drawing: Drawing;
  readonly ghosts: readonly Pointer[];
  readonly colours: (host: string) => string;
  readonly chosen: string | null;
  readonly choose: (host: string | null) => void;
  readonly file: ComponentChildren;
}

export function RingPicture({ node, members, drawing, ghosts, colours, chosen, choose, file }: PictureProps) {
  const { place } = drawing;
  const inOrder = members
    .map((member) => ({ ...member, part: place(member.ringId) }))
    .toSorted((a, b) => a.part - b.part);
  const dot = inOrder.length > 300 ? 1.4 : inOrder.length > maxLabels ? 2.4 : 4;
  const isFaded = (host: string): boolean => chosen !== null && chosen !== host;
  const summary = `A ring of ${inOrder.length} members; the same is in the list of peers.`;
  return (
    <svg class="ring" viewBox="-140 -140 280 280" role="img" aria-label={summary}>
      {inOrder.map(({ ringId, id, part }, index) => (
        <path
          key={`arc ${ringId}`}
          class="arc"
          d={arcPath(inOrder.at(index - 1)?.part ?? part, part, arcRadius)}
          stroke={colours(id)}
          opacity={isFaded(id) ? 0.15 : 0.55}
        />
      ))}
      <circle class="line" r={radius} />
      <Links node={node} place={place} chosen={chosen ?? node.id} />
      {ghosts.map(({ ringId }) => (
        <circle key={`ghost ${ringId}`} class="ghost" r={dot} {...at(place(ringId), radius)} />
      ))}
      {inOrder.map(({ ringId, id, address, part }) => (
        <circle
          key={ringId}
          class={id === node.id ? 'member self' : 'member'}
          r={dot}
          fill={colours(id)}
          opacity={isFaded(id) ? 0.25 : 1}
          {...at(part, radius)}
          onPointerEnter={() => choose(id)}
          onPointerLeave={() => choose(null)}
        >
          <title>{`${shortRingId(ringId, node.bits)} at ${address}`}</title>
        </circle>
      ))}
      {inOrder.length > maxLabels
        ? null
        : inOrder.map(({ ringId, part }) => (
            <text key={`label ${ringId}`} {...labelAt(part)}>
              {shortRingId(ringId, node.bits)}
            </text>
          ))}
      {file}
    </svg>
  );
}

interface LinksProps {
  readonly node: NodeStatus;
  readonly place: Drawing['place'];
  readonly chosen: string;
}

/** Pointers of this peer's members: successors along the ring, fingers across it. */
function Links({ node, place, chosen }: LinksProps) {
  if (chosen !== node.id) return null;
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

/** A key on the ring, and the members that hold it. */
function Key({
  lookup,
  drawing,
  label,
}: {
  readonly lookup: LookupResult;
  readonly drawing: Drawing;
  readonly label: string;
}) {
  const part = drawing.place(lookup.key);
  const to = pointAt(part, 126);
  return (
    <g class="key">
      {lookup.replicas.map(({ ringId, address }, index) => (
        <circle key={ringId} class="replica" r={index === 0 ? 7 : 6} {...at(drawing.place(ringId), radius)}>
          <title>{`${index === 0 ? 'Owner' : 'Replica'} at ${address}`}</title>
        </circle>
      ))}
      <path class="pin" d={`M${to.x} ${to.y}L${pointAt(part, 112).x} ${pointAt(part, 112).y}`} />
      <circle class="pin" r={3.2} cx={to.x} cy={to.y}>
        <title>{`The key of ${label}`}</title>
      </circle>
    </g>
  );
}
RingPicture.Key = Key;

function at(part: number, distance: number): { readonly cx: number; readonly cy: number } {
  const { x, y } = pointAt(part, distance);
  return { cx: x, cy: y };
}

function labelAt(part: number) {
  const { x, y } = pointAt(part, 119);
  return { x, y: y + 3, 'text-anchor': Math.abs(x) < 20 ? 'middle' : x > 0 ? 'start' : 'end' } as const;
}
