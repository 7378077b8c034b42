/** The simulated store keeps the contract of the real ones; virtual time advances by itself. */

import { Process, seededRandom, VirtualTime } from '@chordial/ring/testing';
import { blockClaimsContract } from '../../test/contracts/block-claims.ts';
import { blockStoreContract, type StoreUnderTest } from '../../test/contracts/block-store.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const copies = 3;

async function open(quotaBytes: number): Promise<StoreUnderTest> {
  const time = new VirtualTime();
  const disk = new SimulatedDisk(time, seededRandom(1), quotaBytes, copies);
  let isOpen = true;
  const goOn = () => {
    time.step();
    if (isOpen) setImmediate(goOn);
  };
  goOn();
  return {
    store: disk.mount(new Process()).blocks,
    [Symbol.asyncDispose]: async () => {
      isOpen = false;
      disk.close();
    },
  };
}

blockStoreContract('SimulatedDisk', open);
blockClaimsContract('SimulatedDisk', open);
