/** What contents are, read from their first bytes and remembered: for previews and for the pages of links. */
import { type ContentKind, kindOf } from '../content/content-kind.ts';
import { BoundedCache } from '../network/bounded-cache.ts';

/** Contents whose kind is remembered. */
export const maxKindsKept = 4096;

/** Of an image that is shown: decoded, each takes four bytes of the browser. */
export const maxShownPixels = 100_000_000;

export function hasTooManyPixels(kind: ContentKind | null): boolean {
  if (kind?.shown !== 'image' || kind.pixels === null) return false;
  return kind.pixels.width * kind.pixels.height > maxShownPixels;
}

export interface HeadOf {
  /** Of the content; what a key opens is another one than what is stored. */
  readonly key: string;
  readonly size: number;
  /** Bytes of the head at most; a text is as long. */
  readonly most: number;
  readonly read: (range: { readonly start: number; readonly end: number }) => AsyncIterable<Uint8Array>;
}

export class ContentKinds {
  readonly #kinds = new BoundedCache<string, ContentKind | 'none'>(maxKindsKept);

  /** Null for what cannot be shown. Throws what reading throws. */
  async of({ key, size, most, read }: HeadOf): Promise<ContentKind | null> {
    const known = this.#kinds.get(key);
    if (known !== undefined) return known === 'none' ? null : known;
    const head: Uint8Array[] = [];
    const end = Math.min(size, most);
    if (end > 0) for await (const piece of read({ start: 0, end })) head.push(Uint8Array.from(piece));
    const kind = kindOf(Buffer.concat(head), size <= most);
    // Texts are read again: what is kept is small.
    if (kind?.shown !== 'text') this.#kinds.set(key, kind ?? 'none');
    return kind;
  }
}
