/** Whether the peers' own views together are one ring in order: the dumb answer, sorting, compared with theirs. */
import type { ShownMember } from '../node/peer.ts';

/** One line for each wrong pointer; empty when every predecessor and successor list is right. */
export function ringFaults(members: readonly ShownMember[]): readonly string[] {
  const sorted = members.map(({ ringId }) => ringId).sort();
  if (new Set(sorted).size !== sorted.length) return ['two members have the same place'];
  return members.flatMap((member) => faultsOf(member, sorted));
}

function faultsOf({ ringId, predecessor, successors }: ShownMember, sorted: readonly string[]): readonly string[] {
  const place = sorted.indexOf(ringId);
  const after = [...sorted.slice(place + 1), ...sorted.slice(0, place + 1)];
  const before = after.at(-2) ?? ringId;
  const faults: string[] = [];
  if (predecessor?.ringId !== before) {
    faults.push(`${ringId} has the predecessor ${predecessor?.ringId ?? 'none'} and not ${before}`);
  }
  const wrong = successors.findIndex((one, index) => one.ringId !== after[index % after.length]);
  if (wrong !== -1)
    faults.push(
      `${ringId} has ${successors[wrong]?.ringId} as successor ${wrong + 1} and not ${after[wrong % after.length]}`,
    );
  if (successors.length === 0) faults.push(`${ringId} has no successor`);
  return faults;
}
