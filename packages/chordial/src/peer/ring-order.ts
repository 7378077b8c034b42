/** Whether pointers form one ring in order: an oracle that sorts, compared with what members report. */

export interface Place {
  readonly ringId: string;
}

export interface Neighbours extends Place {
  readonly predecessor: Place | null;
  readonly successors: readonly Place[];
}

/** One line per wrong pointer; empty when every predecessor and successor list is right. */
export function ringFaults(members: readonly Neighbours[]): readonly string[] {
  const sorted = members.map(({ ringId }) => ringId).sort();
  if (new Set(sorted).size !== sorted.length) return ['two members have the same place'];
  return members.flatMap((member) => faultsOf(member, sorted));
}

/** The same for one member, given all of them sorted. */
export function faultsOf(
  { ringId, predecessor, successors }: Neighbours,
  sorted: readonly string[],
): readonly string[] {
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
