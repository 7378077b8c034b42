/** A wall clock that a test moves while the peers that go by it run. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { product } from '../results.ts';
import type { NetworkFixture } from './network-fixture.ts';

const shim = pathToFileURL(path.join(product, 'test/fixtures/moved-clock.ts')).href;

/** A clock that stands in a file, and the environment of a peer that goes by it. */
export async function movedClock(network: Pick<NetworkFixture, 'folder'>, name: string, offset: number) {
  const file = path.join(network.folder, name);
  const set = (milliseconds: number) => writeFile(file, String(milliseconds));
  await set(offset);
  return { set, environment: { CHORDIAL_TEST_CLOCK: file, NODE_OPTIONS: `--import ${shim}` } };
}
