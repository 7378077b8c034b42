import { createIdentity } from '../../src/network/identity.ts';
import { MemoryNetwork } from '../../src/network/memory-transport.ts';
import { transportContract } from './transport.ts';

transportContract('memory', async () => {
  const network = new MemoryNetwork();
  return {
    serve: async (handlers) => {
      const transport = network.transport(createIdentity().host);
      await transport.serve(handlers);
      return { transport, contact: transport.contact };
    },
    dispose: async () => {},
  };
});
