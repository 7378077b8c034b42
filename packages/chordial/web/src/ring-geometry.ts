/** Ring ids as angles: 0 at the top, clockwise. */

/** Position of the id on the ring, 0 to 1; 52 bits exceed the resolution of any screen. */
export function partOf(ringId: string, bits: number): number {
  const digits = ringId.slice(0, 13);
  const bitsOfDigits = bits - 4 * (ringId.length - digits.length);
  return Number.parseInt(digits, 16) / 2 ** bitsOfDigits;
}

/** Ids are shown beside members while few enough to be readable. */
export const maxLabels = 24;
/** Labels of members closer than this overlap. */
const minPartBetweenLabels = 1 / 40;
/** Part of the ring distributed evenly over the gaps between members that are spread apart; the rest is to scale. */
const evenShare = 0.7;

export interface Drawing {
  /** Where a ring id is drawn, as a fraction of the ring. */
  readonly place: (ringId: string) => number;
  /**
   * False when a few members crowd together, as in the teaching ring 2 4 5 8 9 14 19 of 256: these are spread apart, in
   * order.
   */
  readonly isToScale: boolean;
}

export function drawingOf(ringIds: readonly string[], bits: number): Drawing {
  const parts = ringIds.map((id) => partOf(id, bits)).toSorted((a, b) => a - b);
  const gaps = parts.map((part, index) => (parts[index + 1] ?? (parts[0] ?? 0) + 1) - part);
  const isToScale = parts.length < 2 || parts.length > maxLabels || gaps.every((gap) => gap >= minPartBetweenLabels);
  if (isToScale) return { place: (ringId) => partOf(ringId, bits), isToScale };
  const drawn = gaps.map((gap) => evenShare / gaps.length + (1 - evenShare) * gap);
  const place = (ringId: string): number => {
    const part = partOf(ringId, bits);
    const behind = parts.findLastIndex((one) => one <= part);
    // Below the lowest member is the gap after the highest.
    const index = behind === -1 ? parts.length - 1 : behind;
    const into = (part - (parts[index] ?? 0) + 1) % 1;
    const before = drawn.slice(0, index).reduce((sum, one) => sum + one, parts[0] ?? 0);
    return (before + (into / (gaps[index] ?? 1)) * (drawn[index] ?? 0)) % 1;
  };
  return { place, isToScale };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function pointAt(part: number, radius: number): Point {
  const angle = part * 2 * Math.PI - Math.PI / 2;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

/** The path of an SVG arc clockwise from one place to another; a full circle when both are equal. */
export function arcPath(from: number, to: number, radius: number): string {
  const turn = (((to - from) % 1) + 1) % 1 || 1;
  // SVG does not draw an arc whose ends meet.
  const end = from + Math.min(turn, 0.9999);
  const [a, b] = [pointAt(from, radius), pointAt(end, radius)];
  return `M${a.x} ${a.y}A${radius} ${radius} 0 ${turn > 0.5 ? 1 : 0} 1 ${b.x} ${b.y}`;
}

/** A curve through the inside of the ring. */
export function chordPath(from: number, to: number, radius: number): string {
  const [a, b] = [pointAt(from, radius), pointAt(to, radius)];
  // The closer the two, the flatter: neighbours are joined beside the ring, opposites near its centre.
  const turn = (((to - from) % 1) + 1) % 1;
  const apart = Math.min(turn, 1 - turn);
  const middle = pointAt(turn <= 0.5 ? from + apart / 2 : to + apart / 2, radius * Math.max(0, 0.9 - 2.4 * apart));
  return `M${a.x} ${a.y}Q${middle.x} ${middle.y} ${b.x} ${b.y}`;
}
