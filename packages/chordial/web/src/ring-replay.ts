/** The ring at a moment of a recording, and what happened in it. */
import type { Pointer, RingRecording } from '../../src/client/answers.ts';

export interface Scene {
  readonly members: readonly Pointer[];
  /** Gone a moment before. */
  readonly ghosts: readonly Pointer[];
}

/** A peer that came or went, with so many of its places. */
export interface Happening {
  readonly time: string;
  readonly kind: 'came' | 'went';
  readonly id: string;
  readonly name: string;
  readonly places: number;
}

/**
 * @param time Unix time in milliseconds
 * @param ghostMilliseconds how long members stay in the picture after they went
 */
export function sceneAt({ members, changes }: RingRecording, time: number, ghostMilliseconds: number): Scene {
  const present = new Map(members.map((member) => [member.ringId, member]));
  const ghosts = new Map<string, Pointer>();
  for (const change of changes) {
    const at = Date.parse(change.time);
    if (at > time) break;
    for (const member of change.went) {
      present.delete(member.ringId);
      if (time - at < ghostMilliseconds) ghosts.set(member.ringId, member);
    }
    for (const member of change.came) {
      present.set(member.ringId, member);
      ghosts.delete(member.ringId);
    }
  }
  return { members: [...present.values()], ghosts: [...ghosts.values()] };
}

/** A peer takes its places one after the other: that is one happening, at its end. */
const togetherMilliseconds = 30_000;

/** Oldest first. */
export function happeningsIn({ changes }: RingRecording): readonly Happening[] {
  const happenings: Happening[] = [];
  for (const { time, came, went } of changes) {
    const now = [
      ...byPeer(came).map((one) => ({ time, kind: 'came' as const, ...one })),
      ...byPeer(went).map((one) => ({ time, kind: 'went' as const, ...one })),
    ];
    for (const one of now) {
      const last = happenings.findLastIndex(({ id }) => id === one.id);
      const before = happenings[last];
      const isSame = before?.kind === one.kind && Date.parse(time) - Date.parse(before.time) < togetherMilliseconds;
      if (isSame) happenings.splice(last, 1);
      happenings.push({ ...one, places: one.places + (isSame ? before.places : 0) });
    }
  }
  return happenings;
}

function byPeer(members: readonly Pointer[]): readonly Omit<Happening, 'time' | 'kind'>[] {
  return [...Map.groupBy(members, ({ id }) => id)].map(([id, ofPeer]) => ({
    id,
    name: ofPeer[0]?.name ?? '',
    places: ofPeer.length,
  }));
}
