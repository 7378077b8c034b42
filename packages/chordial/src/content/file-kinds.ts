/** Kinds of files by the extension of their names, and the natural order of names: 1, 2, 10. */

const extensions = {
  image: ['jpg', 'jpeg', 'png', 'gif', 'webp', 'svg', 'bmp', 'tif', 'tiff', 'heic', 'avif', 'raw'],
  video: ['mp4', 'mkv', 'webm', 'mov', 'avi', 'm4v', 'mpg', 'mpeg', 'ogv'],
  audio: ['mp3', 'flac', 'ogg', 'opus', 'wav', 'm4a', 'aac'],
  document: [
    ...['pdf', 'doc', 'docx', 'odt', 'txt', 'md', 'rtf', 'tex', 'epub'],
    ...['xls', 'xlsx', 'ods', 'ppt', 'pptx', 'odp', 'csv'],
  ],
  archive: ['zip', 'tar', 'gz', 'bz2', 'xz', 'zst', '7z', 'rar', 'tgz'],
} as const;

export const fileKinds = ['image', 'video', 'audio', 'document', 'archive', 'folder', 'other'] as const;
export type FileKind = (typeof fileKinds)[number];

export const extensionsByKind: Readonly<Record<string, readonly string[]>> = extensions;

const kindByExtension = new Map(
  Object.entries(extensions).flatMap(([kind, all]) => all.map((one): [string, FileKind] => [one, kind as FileKind])),
);

export function extensionOf(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
}

export function kindOfFile(name: string, type: 'file' | 'directory'): FileKind {
  return type === 'directory' ? 'folder' : (kindByExtension.get(extensionOf(name)) ?? 'other');
}

/** Compared as text it gives the natural order: without case and accents, numbers by their value. */
export function naturalKey(name: string): string {
  const plain = /^[\x20-\x7e]*$/.test(name) ? name : name.normalize('NFKD').replace(/\p{M}/gu, '');
  return plain.toLowerCase().replace(/\d+/g, (digits) => {
    const number = digits.replace(/^0+(?=\d)/, '');
    // Its length goes first, as a digit, or nine and three.
    return `${number.length < 9 ? number.length : `9${String(number.length).padStart(3, '0')}`}${number}`;
  });
}
