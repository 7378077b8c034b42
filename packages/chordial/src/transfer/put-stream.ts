/** Streams on their way into the network: bounded in memory, counted, and with a word about what broke. */
import { type BuildOptions, type BuiltFile, buildFile, buildLeaf, type Emit } from '../content/builder.ts';
import { leafBytes } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { FilePorts } from './file-ports.ts';
import type { PutOptions } from './files.ts';
import { checkGoesOn } from './publish.ts';

/** For less than this, a 1 MiB leaf buffer would waste memory. */
const maxGatheredBytes = 256 * 1024;

/** @param said size announced by the sender; trusted only to save memory */
export async function buildStream(
  pieces: AsyncIterable<Uint8Array>,
  write: Emit,
  said: number | null,
  {
    cut,
    data,
  }: Pick<FilePorts, 'data'> & { readonly cut: Pick<BuildOptions, 'leafBytes' | 'linksPerNode' | 'wholeHash'> },
): Promise<BuiltFile> {
  const options = { ...cut, pool: data.leaves, hashing: data.hashing, expectedBytes: said };
  if (said === null || said > Math.min(maxGatheredBytes, cut.leafBytes ?? leafBytes))
    return buildFile(pieces, write, options);
  const gathered: Uint8Array[] = [];
  let bytes = 0;
  const coming = pieces[Symbol.asyncIterator]();
  for (let next = await coming.next(); next.done !== true; next = await coming.next()) {
    gathered.push(next.value);
    bytes += next.value.length;
    if (bytes > said) return buildFile(after(gathered, coming), write, options);
  }
  // A separate buffer, since the block keeps it.
  return buildLeaf(Uint8Array.from(Buffer.concat(gathered)), write);
}

async function* after(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** Distinguishes failures of the source from failures of storing. */
export async function* checkedSource(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of source) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  } catch (cause) {
    if (cause instanceof ChordialError) throw cause;
    const reason = (cause as Error).message;
    throw new ChordialError(
      'body-cut-off',
      `The content ended early (${reason}); nothing was published. Send it again: blocks that arrived are not sent twice.`,
      { cause },
    );
  }
}

/** Counts bytes for progress. */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  options: PutOptions,
  bytesTotal: number | null,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytesDone = 0;
  for await (const piece of source) {
    checkGoesOn(options);
    yield piece;
    bytesDone += piece.length;
    options.progress?.({ bytesDone, bytesTotal });
  }
}
