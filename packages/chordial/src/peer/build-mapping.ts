/** Asks the router for a port. Loaded only where `mapsNoPort` has no reason against it. */
import { hash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { interfaceAddresses, isUnspecified, parseAddress } from '../network/addresses.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { natOf } from '../reach/address-kind.ts';
import { defaultGateway } from '../reach/gateway.ts';
import { natPmpRouter, pcpRouter } from '../reach/gateway-protocols.ts';
import { pcpNonceBytes, pcpPort } from '../reach/pcp.ts';
import { PortMapping } from '../reach/port-mapping.ts';
import { upnpRouter } from '../reach/upnp.ts';
import { ssdpGroup, ssdpPort } from '../reach/upnp-messages.ts';
import type { Network } from './build-network.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';

export function buildMapping(folder: OpenFolder, { transport }: Network, opened: Closing): PortMapping {
  const { identity, configuration } = folder;
  const { host } = configuration.listen;
  // Secret, and the same after each start.
  const signed = identity.sign(Buffer.from('chordial port mapping'));
  const nonce = hash('sha256', signed, 'buffer').subarray(0, pcpNonceBytes);
  const mapping = new PortMapping({
    clock: systemClock,
    random: systemRandom,
    off: () => {
      const own = (isUnspecified(host) ? interfaceAddresses() : [host]).filter(isIPv4);
      const open = own.find((address) => natOf(address) === 'public');
      return open === undefined ? null : { reason: 'public-address', address: open };
    },
    internalPort: () => parseAddress(transport.listening).port,
    gateway: async () => {
      const found = await defaultGateway();
      return found === null || isUnspecified(host) || host === found.local ? found : null;
    },
    routers: (gateway) => [
      pcpRouter({ gateway, port: pcpPort }, nonce),
      natPmpRouter({ gateway, port: pcpPort }),
      upnpRouter({ gateway, search: { address: ssdpGroup, port: ssdpPort } }),
    ],
  });
  opened.defer(() => mapping.close(), 'the port mapping');
  return mapping;
}
