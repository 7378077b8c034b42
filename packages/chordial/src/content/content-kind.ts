/** What can be shown before it is fetched, by the first bytes of a content, never by its name. */

export type ContentKind =
  /** The type is one that no browser runs. */
  | { readonly shown: 'image'; readonly type: string; readonly pixels: Pixels | null }
  | { readonly shown: 'audio' | 'video' | 'pdf'; readonly type: string }
  | { readonly shown: 'text'; readonly text: string };

/** As the header of an image claims; null where the first bytes do not tell. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
}

interface Mark {
  readonly at?: number;
  readonly bytes: string;
  readonly shown: 'image' | 'audio' | 'video' | 'pdf';
  readonly type: string;
}

/** As Latin-1 text. */
const marks: readonly Mark[] = [
  { bytes: '\xff\xd8\xff', shown: 'image', type: 'image/jpeg' },
  { bytes: '\x89PNG\r\n\x1a\n', shown: 'image', type: 'image/png' },
  { bytes: 'GIF87a', shown: 'image', type: 'image/gif' },
  { bytes: 'GIF89a', shown: 'image', type: 'image/gif' },
  { at: 8, bytes: 'WEBPVP8', shown: 'image', type: 'image/webp' },
  { at: 4, bytes: 'ftypavif', shown: 'image', type: 'image/avif' },
  { at: 4, bytes: 'ftypavis', shown: 'image', type: 'image/avif' },
  { bytes: '%PDF-1.', shown: 'pdf', type: 'application/pdf' },
  { bytes: '%PDF-2.', shown: 'pdf', type: 'application/pdf' },
  { bytes: 'ID3', shown: 'audio', type: 'audio/mpeg' },
  { bytes: '\xff\xfb', shown: 'audio', type: 'audio/mpeg' },
  { bytes: '\xff\xf3', shown: 'audio', type: 'audio/mpeg' },
  { bytes: '\xff\xf2', shown: 'audio', type: 'audio/mpeg' },
  { bytes: 'fLaC', shown: 'audio', type: 'audio/flac' },
  { at: 8, bytes: 'WAVEfmt ', shown: 'audio', type: 'audio/wav' },
  { at: 4, bytes: 'ftypM4A', shown: 'audio', type: 'audio/mp4' },
  ...['isom', 'iso2', 'iso4', 'iso5', 'iso6', 'mp41', 'mp42', 'avc1', 'dash', 'M4V', 'MSNV', 'qt  '].map((brand) => ({
    at: 4,
    bytes: `ftyp${brand}`,
    shown: 'video' as const,
    type: 'video/mp4',
  })),
];

/** All that bytes are sent as. */
export const shownTypes: readonly string[] = [
  ...new Set([...marks.map(({ type }) => type), 'audio/ogg', 'video/ogg', 'video/webm']),
];

/** Longest form of a character in UTF-8, which the end of the head may cut. */
const maxCutBytes = 3;

/**
 * Null for what cannot be shown: HTML and SVG are text here, whose source is shown.
 * @param head the first bytes
 * @param isWhole whether they are all
 */
export function kindOf(head: Uint8Array, isWhole: boolean): ContentKind | null {
  const start = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 4096)).toString('latin1');
  for (const { at = 0, bytes, shown, type } of marks) {
    if (!start.startsWith(bytes, at)) continue;
    return shown === 'image' ? { shown, type, pixels: pixelsOf(type, head) } : { shown, type };
  }
  if (start.startsWith('OggS')) {
    const isVideo = start.includes('theora');
    return isVideo ? { shown: 'video', type: 'video/ogg' } : { shown: 'audio', type: 'audio/ogg' };
  }
  if (start.startsWith('\x1a\x45\xdf\xa3') && start.includes('webm')) return { shown: 'video', type: 'video/webm' };
  const text = textOf(head, isWhole);
  return text === null || text === '' ? null : { shown: 'text', text };
}

function textOf(head: Uint8Array, isWhole: boolean): string | null {
  for (let cut = 0; cut <= (isWhole ? 0 : maxCutBytes); cut++) {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(head.subarray(0, head.length - cut));
      // Other control characters are of no text.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      return /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
    } catch {
      // Cut in a character, or no text.
    }
  }
  return null;
}

/** Boxes of an AVIF that describe it stand at its beginning. */
const maxAvifHeaderBytes = 8192;

/** Null also where a width or height is 0. */
function pixelsOf(type: string, head: Uint8Array): Pixels | null {
  const view = Buffer.from(head.buffer, head.byteOffset, head.length);
  const read = readers[type];
  try {
    const pixels = read?.(view) ?? null;
    return pixels !== null && pixels.width > 0 && pixels.height > 0 ? pixels : null;
  } catch (error) {
    // The first bytes end before.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

const readers: Readonly<Record<string, (view: Buffer) => Pixels | null>> = {
  'image/png': (view) => ({ width: view.readUInt32BE(16), height: view.readUInt32BE(20) }),
  'image/gif': (view) => ({ width: view.readUInt16LE(6), height: view.readUInt16LE(8) }),
  'image/jpeg': jpegPixels,
  'image/webp': webpPixels,
  'image/avif': avifPixels,
};

/** From the first frame header, behind any number of other segments. */
function jpegPixels(view: Buffer): Pixels | null {
  for (let at = 2; ; ) {
    if (view.readUInt8(at) !== 0xff) return null;
    const marker = view.readUInt8(at + 1);
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { width: view.readUInt16BE(at + 7), height: view.readUInt16BE(at + 5) };
    const length = view.readUInt16BE(at + 2);
    if (length < 2 || marker === 0xd9 || marker === 0xda) return null;
    at += 2 + length;
  }
}

function webpPixels(view: Buffer): Pixels | null {
  switch (view.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: 1 + view.readUIntLE(24, 3), height: 1 + view.readUIntLE(27, 3) };
    case 'VP8 ':
      return { width: view.readUInt16LE(26) & 0x3fff, height: view.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = view.readUInt32LE(21);
      return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
    }
    default:
      return null;
  }
}

/** The largest of its pictures: tiles and the depth beside it have sizes of their own. */
function avifPixels(view: Buffer): Pixels | null {
  const header = view.subarray(0, maxAvifHeaderBytes);
  let found: Pixels | null = null;
  for (let at = header.indexOf('ispe'); at !== -1; at = header.indexOf('ispe', at + 4)) {
    const pixels = { width: header.readUInt32BE(at + 8), height: header.readUInt32BE(at + 12) };
    if (found === null || pixels.width * pixels.height > found.width * found.height) found = pixels;
  }
  return found;
}
