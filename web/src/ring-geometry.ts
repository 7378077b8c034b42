/** Ring ids as angles: 0 at the top, clockwise. */

/** The part of the ring before this id, 0 to 1; 52 bits of it are more than any screen shows. */
export function partOf(ringId: string, bits: number): number {
  const digits = ringId.slice(0, 13);
  const bitsOfDigits = bits - 4 * (ringId.length - digits.length);
  return Number.parseInt(digits, 16) / 2 ** bitsOfDigits;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export function pointAt(part: number, radius: number): Point {
  const angle = part * 2 * Math.PI - Math.PI / 2;
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

/** The path of an SVG arc from one place clockwise to another; a whole turn when both are the same. */
export function arcPath(from: number, to: number, radius: number): string {
  const turn = (((to - from) % 1) + 1) % 1 || 1;
  // An arc whose ends meet would not be drawn.
  const end = from + Math.min(turn, 0.9999);
  const [a, b] = [pointAt(from, radius), pointAt(end, radius)];
  return `M${a.x} ${a.y}A${radius} ${radius} 0 ${turn > 0.5 ? 1 : 0} 1 ${b.x} ${b.y}`;
}

/** A curve through the inside of the ring. */
export function chordPath(from: number, to: number, radius: number): string {
  const [a, b] = [pointAt(from, radius), pointAt(to, radius)];
  // The nearer the two, the flatter: neighbours are joined beside the ring, opposites near its middle.
  const turn = (((to - from) % 1) + 1) % 1;
  const apart = Math.min(turn, 1 - turn);
  const middle = pointAt(turn <= 0.5 ? from + apart / 2 : to + apart / 2, radius * Math.max(0, 0.9 - 2.4 * apart));
  return `M${a.x} ${a.y}Q${middle.x} ${middle.y} ${b.x} ${b.y}`;
}
