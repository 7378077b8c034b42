/** Files and folders that the reader drops, pastes or chooses, or that another program shares with this page. */

/** The peer takes a folder as lines of JSON, each file followed by its bytes in pieces; see src/transfer/folder-stream.ts. */
const maxPieceBytes = 1024 * 1024;
const lengthBytes = 4;
/** Entries of one folder: each takes memory of the page. */
const maxEntries = 100_000;

export interface GivenFolder {
  readonly name: string;
  /** Bytes of its files. */
  readonly size: number;
  readonly files: number;
  /** Parts of it are read while they are sent. */
  readonly stream: () => Blob;
}

export interface GivenItems {
  readonly files: readonly File[];
  readonly folders: readonly GivenFolder[];
}

interface Entry {
  /** Relative to the folder. */
  readonly path: string;
  /** Null: a folder. */
  readonly file: File | null;
}

export function isAnyGiven({ files, folders }: GivenItems): boolean {
  return files.length > 0 || folders.length > 0;
}

export function hasFiles({ types }: DataTransfer): boolean {
  return types.includes('Files');
}

/** Must be called while the event is handled: afterwards its data is gone. Rejects for a folder that has too much in it. */
export async function givenBy(data: DataTransfer): Promise<GivenItems> {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  // Not on the disk, such as a picture that was copied.
  if (entries.length === 0) return { files: [...data.files].map(named), folders: [] };
  const files: File[] = [];
  const folders: GivenFolder[] = [];
  for (const entry of entries) {
    if (entry.isDirectory) folders.push(folderOf(entry.name, await below(entry as FileSystemDirectoryEntry)));
    else files.push(named(await fileOf(entry as FileSystemFileEntry)));
  }
  return { files, folders };
}

/** Of a chooser: for a folder their paths begin with its name. */
export function givenByChooser(chosen: readonly File[]): GivenItems {
  const files = chosen.filter(({ webkitRelativePath }) => webkitRelativePath === '');
  const roots = new Map<string, Entry[]>();
  for (const file of chosen) {
    const [root = '', ...parts] = file.webkitRelativePath.split('/');
    if (root === '' || parts.some(isHidden)) continue;
    const entries = roots.get(root) ?? [];
    entries.push({ path: parts.join('/'), file });
    roots.set(root, entries);
  }
  return { files, folders: [...roots].map(([name, entries]) => folderOf(name, withFolders(entries))) };
}

/** Browsers call every copied picture image.png: the next one would replace it. */
function named(file: File): File {
  if (!/^image\.\w+$/.test(file.name) || Date.now() - file.lastModified > 5000) return file;
  const now = new Date();
  const time = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
  const name = `${time.replace('T', ' ').replaceAll(':', '.')}${file.name.slice('image'.length)}`;
  return new File([file], name, { type: file.type, lastModified: file.lastModified });
}

/** Each folder before its contents. Hidden entries are left out, as `chordial put` does. */
async function below(folder: FileSystemDirectoryEntry, above = '', found: Entry[] = []): Promise<readonly Entry[]> {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const entry of entries) {
      if (isHidden(entry.name)) continue;
      if (found.length >= maxEntries) throw new RangeError(String(maxEntries));
      const path = above + entry.name;
      if (entry.isDirectory) {
        found.push({ path, file: null });
        await below(entry as FileSystemDirectoryEntry, `${path}/`, found);
      } else found.push({ path, file: await fileOf(entry as FileSystemFileEntry) });
    }
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}

/** Files sorted into their folders, each of which comes first. */
function withFolders(entries: readonly Entry[]): readonly Entry[] {
  const known = new Map<string, Entry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      if (!known.has(path)) known.set(path, { path, file: null });
    }
    known.set(entry.path, entry);
  }
  const order = (path: string) => path.replaceAll('/', '\u0000');
  return [...known.values()].sort((a, b) => (order(a.path) < order(b.path) ? -1 : 1));
}

function folderOf(name: string, entries: readonly Entry[]): GivenFolder {
  const files = entries.flatMap(({ file }) => file ?? []);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return { name, size, files: files.length, stream: () => new Blob([...partsOf(entries)]) };
}

function* partsOf(entries: readonly Entry[]): Generator<BlobPart> {
  for (const { path, file } of entries) {
    const type = file === null ? 'directory' : 'file';
    yield `${JSON.stringify({ path, type, modified: file?.lastModified ?? null, executable: false })}\n`;
    if (file === null) continue;
    for (let from = 0; from < file.size; from += maxPieceBytes) {
      const piece = file.slice(from, from + maxPieceBytes);
      yield lengthOf(piece.size);
      yield piece;
    }
    yield lengthOf(0);
  }
  yield '{"end":true}\n';
}

function lengthOf(bytes: number): ArrayBuffer {
  const length = new ArrayBuffer(lengthBytes);
  new DataView(length).setUint32(0, bytes);
  return length;
}
