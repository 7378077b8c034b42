import { found } from '../../src/network/genesis.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import { transportContract } from './transport.ts';

transportContract('HTTP/2', async () => {
  const genesis = found({ admission: 'open' });
  const transports: TlsTransport[] = [];
  return {
    serve: async (handlers) => {
      const identity = createIdentity();
      const transport = new TlsTransport({
        identity,
        genesis,
        listen: '127.0.0.1:0',
        report: () => undefined,
      });
      transports.push(transport);
      await transport.serve(handlers);
      return { transport, contact: transport.contact };
    },
    dispose: async () => {
      await Promise.all(transports.map((transport) => transport.close()));
    },
  };
});
