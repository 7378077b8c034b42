import { blockStoreContract } from '../../test/contracts/block-store.ts';
import { MemoryBlockStore } from './memory-block-store.ts';

blockStoreContract('MemoryBlockStore', async (quotaBytes) => {
  const store = new MemoryBlockStore(quotaBytes);
  return { store, [Symbol.asyncDispose]: () => store.close() };
});
