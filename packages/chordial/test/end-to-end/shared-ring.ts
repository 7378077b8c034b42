/**
 * One ring for all tests of a file that do it no harm: each puts names of its own, none stops a peer. Started by the first test that
 * asks for it, gone after the last one.
 *
 *     const ring = sharedRing(2);
 *     test('…', async () => {
 *       const { network, peers } = await ring();
 */
import { after } from 'node:test';
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

export interface SharedRing {
  readonly network: NetworkFixture;
  readonly peers: readonly [PeerProcess, ...PeerProcess[]];
}

export function sharedRing(count: number): () => Promise<SharedRing> {
  let network: NetworkFixture | null = null;
  let started: Promise<SharedRing> | null = null;
  after(() => network?.[Symbol.asyncDispose]());
  const start = async (): Promise<SharedRing> => {
    const opened = await NetworkFixture.open();
    network = opened;
    const [first, ...others] = await opened.startRing(count);
    if (first === undefined) throw new Error('a ring has at least one peer');
    const peers = [first, ...others] as const;
    await until(`one ring of ${count}`, () => opened.isIdeal(peers), 30_000);
    return { network: opened, peers };
  };
  return () => (started ??= start());
}
