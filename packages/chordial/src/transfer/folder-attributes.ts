/**
 * Attributes of the files of a folder: JSON lines in a separate file whose CID is in the name's entry beside that of
 * the folder. The folder thus keeps the CID of its content alone.
 */
import { checkedAttributes, type FileAttributes, noAttributes } from '../content/attributes.ts';
import type { FolderItem } from './local-folder.ts';

/** A folder with a longer list keeps none: 300 000 files. */
const maxListBytes = 32 * 1024 * 1024;

export class AttributeList {
  #lines: string[] = [];
  #bytes = 0;

  add({ path, modified, executable }: Pick<FolderItem, 'path' | keyof FileAttributes>): void {
    const line = `${JSON.stringify([path, modified, executable])}\n`;
    this.#bytes += Buffer.byteLength(line);
    if (this.#bytes <= maxListBytes) this.#lines.push(line);
    else this.#lines = [];
  }

  /** Null when there is nothing to store. */
  bytes(): AsyncIterable<Uint8Array> | null {
    if (this.#bytes > maxListBytes || this.#lines.length === 0) return null;
    const lines = this.#lines;
    return (async function* () {
      for (const line of lines) yield Buffer.from(line);
    })();
  }
}

/** By path. Invalid lines are skipped, and so is everything beyond a limit of them. */
export async function readAttributeList(
  source: AsyncIterable<Uint8Array>,
): Promise<ReadonlyMap<string, FileAttributes>> {
  const found = new Map<string, FileAttributes>();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    if (bytes > maxListBytes) return found;
    pieces.push(Uint8Array.from(piece));
  }
  for (const line of Buffer.concat(pieces).toString().split('\n')) {
    const [path, attributes] = readLine(line);
    if (path !== null) found.set(path, attributes);
  }
  return found;
}

function readLine(line: string): [string | null, FileAttributes] {
  try {
    const value: unknown = JSON.parse(line);
    if (Array.isArray(value) && typeof value[0] === 'string') return [value[0], checkedAttributes(value[1], value[2])];
  } catch {
    // Not such a list.
  }
  return [null, noAttributes];
}
