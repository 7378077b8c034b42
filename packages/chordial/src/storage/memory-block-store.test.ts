import { blockClaimsContract } from '../../test/contracts/block-claims.ts';
import { blockStoreContract, type StoreUnderTest } from '../../test/contracts/block-store.ts';
import { MemoryBlockStore } from './memory-block-store.ts';

async function open(quotaBytes: number): Promise<StoreUnderTest> {
  const store = new MemoryBlockStore(quotaBytes);
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

blockStoreContract('MemoryBlockStore', open);
blockClaimsContract('MemoryBlockStore', open);
