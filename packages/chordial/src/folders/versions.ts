/** Which published roots of a folder stay readable: close together at first, then ever further apart. */
import type { FolderVersion } from '../storage/folder-table.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** Younger ones all stay, so that what a restore replaced can come back. */
const fresh = 10 * minute;
/** Of the newest, whatever their age. */
const maxVersions = 1000;
/** Of this age, one in each span. */
const steps = [
  { age: hour, span: minute },
  { age: day, span: hour },
  { age: 30 * day, span: day },
] as const;

/** Times of the versions that go. The newest always stays: it is what the network has. */
export function outdatedVersions(versions: readonly Pick<FolderVersion, 'time'>[], now: number): readonly number[] {
  const kept = new Set<string>();
  return [...versions]
    .sort((a, b) => b.time - a.time)
    .flatMap(({ time }, place) => {
      if (place === 0) return [];
      if (place >= maxVersions) return [time];
      if (now - time <= fresh) return [];
      const step = steps.find(({ age }) => now - time <= age);
      if (step === undefined) return [time];
      const slot = `${step.span} ${Math.floor(time / step.span)}`;
      if (kept.has(slot)) return [time];
      kept.add(slot);
      return [];
    });
}
