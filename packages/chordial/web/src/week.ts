/** A week of limits by the hour: from a timetable, and back to its text. */
import { type Limit, limitText, sameLimit, type Timetable } from '../../src/flow/timetable.ts';

const minutesPerHour = 60;
const hoursPerDay = 24;
export const hoursPerWeek = 7 * hoursPerDay;
/** As timetables name them, from Sunday. */
const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** What holds at each full hour since Sunday 00:00. */
export function hoursOf(timetable: Timetable): readonly Limit[] {
  return Array.from({ length: hoursPerWeek }, (_, hour) => timetable.limitAt(hour * minutesPerHour));
}

/** Whether something changes within an hour, which a week by the hour does not show. */
export function changesWithinHours(timetable: Timetable): boolean {
  return hoursOf(timetable).some((limit, hour) => {
    const rest = Array.from({ length: minutesPerHour - 1 }, (_, minute) => hour * minutesPerHour + minute + 1);
    return rest.some((minute) => !sameLimit(timetable.limitAt(minute), limit));
  });
}

/** A timetable of as few entries as these hours need: what begins at the same time on all days is one entry. */
export function timetableText(hours: readonly Limit[]): string {
  const [first] = hours;
  if (first === undefined || hours.every((limit) => sameLimit(limit, first))) return limitText(first ?? 'stop');
  const daily: string[] = [];
  const ofDays: string[] = [];
  for (let hour = 0; hour < hoursPerDay; hour++) {
    const onDays = dayNames.map((_, day) => hours[day * hoursPerDay + hour] ?? first);
    const begun = onDays.map((limit, day) => {
      const before = hours[(day * hoursPerDay + hour - 1 + hoursPerWeek) % hoursPerWeek] ?? first;
      return !sameLimit(limit, before);
    });
    const [sunday = first] = onDays;
    if (begun.filter(Boolean).length > 1 && onDays.every((limit) => sameLimit(limit, sunday)))
      daily.push(`${shownHour(hour)},${limitText(sunday)}`);
    else
      for (const [day, limit] of onDays.entries())
        if (begun[day]) ofDays.push(`${dayNames[day]}-${shownHour(hour)},${limitText(limit)}`);
  }
  return [...daily, ...ofDays.toSorted((a, b) => placeOf(a) - placeOf(b))].join(' ');
}

/** From Monday on. */
function placeOf(entry: string): number {
  const day = dayNames.findIndex((name) => entry.startsWith(name));
  return ((day + 6) % 7) * hoursPerDay + Number(entry.slice(4, 6));
}

export function shownHour(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`;
}
