/** UPnP: the Internet Gateway Device, versions 2 and 1. It is searched by multicast, and only the gateway's own answer counts. */
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import type { Gateway } from './gateway.ts';
import {
  type MappingAnswer,
  type MappingWish,
  noAddress,
  quoted,
  type Router,
  refusedBecause,
  silent,
} from './router.ts';
import { smallHttp } from './small-http.ts';
import {
  decodeCall,
  encodeCall,
  encodeSearch,
  locationIn,
  onGateway,
  type SoapAnswer,
  type SoapArguments,
  searchTargets,
  serviceIn,
  type WanService,
} from './upnp-messages.ts';

/** Searches are sent twice, since datagrams get lost. */
const searchAgainMilliseconds = 300;
const searchMilliseconds = 1500;
const multicastHops = 2;
/** Datagrams read in one search. */
const maxSearchAnswers = 256;
/** External ports tried, from the wanted one on, when others have them. */
const maxPortsTried = 8;
const removalMilliseconds = 2000;
/** For everything that one attempt asks. */
const attemptMilliseconds = 12_000;
const description = 'Chordial';

/** Errors of WANIPConnection. */
const invalidAction = [401, 602];
const portTaken = 718;
const onlyPermanent = 725;
const reasons: Readonly<Record<number, string>> = {
  402: 'it does not understand the request',
  501: 'it failed to do it',
  606: 'it is not allowed to this machine',
  724: 'it maps a port only to the same one',
  728: 'it has no free port',
  729: 'the mapping conflicts with another one of the router',
};

export interface UpnpPorts {
  readonly gateway: Gateway;
  /** The group and port of SSDP, except in tests. */
  readonly search: { readonly address: string; readonly port: number };
}

export function upnpRouter(ports: UpnpPorts): Router {
  const { gateway } = ports;
  let service: WanService | null = null;
  /** It did not answer, so it may have moved: the next attempt searches again. */
  let isLost = false;
  /** External ports that were asked for and are not known to be refused. */
  const asked = new Set<number>();

  const call = async (action: string, given: SoapArguments, signal: AbortSignal): Promise<SoapAnswer> => {
    if (service === null) return { kind: 'nonsense' };
    const { type, control } = service;
    const headers = {
      'content-type': 'text/xml; charset="utf-8"',
      soapaction: `"${type}#${action}"`,
      connection: 'close',
    };
    const answer = await smallHttp({ url: control, headers, body: encodeCall(type, action, given) }, signal);
    return answer === null ? { kind: 'nonsense' } : decodeCall(answer.body, action);
  };

  const add = (action: string, { internalPort, externalPort, seconds }: MappingWish, signal: AbortSignal) => {
    asked.add(externalPort);
    return call(
      action,
      [
        ['NewRemoteHost', ''],
        ['NewExternalPort', externalPort],
        ['NewProtocol', 'TCP'],
        ['NewInternalPort', internalPort],
        ['NewInternalClient', gateway.local],
        ['NewEnabled', 1],
        ['NewPortMappingDescription', description],
        ['NewLeaseDuration', seconds],
      ],
      signal,
    );
  };

  /** Adds the mapping as the router lets it: with another lease, or another external port. */
  const addSome = async (
    wish: MappingWish,
    signal: AbortSignal,
  ): Promise<{ answer: SoapAnswer; wish: MappingWish }> => {
    let action = service?.choosesPort === true ? 'AddAnyPortMapping' : 'AddPortMapping';
    let trying = wish;
    let answer: SoapAnswer = { kind: 'nonsense' };
    for (let tries = 0; tries < maxPortsTried + 2; tries++) {
      answer = await add(action, trying, signal);
      if (answer.kind !== 'failed') break;
      asked.delete(trying.externalPort);
      const { code } = answer;
      if (invalidAction.includes(code) && action === 'AddAnyPortMapping') action = 'AddPortMapping';
      else if (code === onlyPermanent && trying.seconds > 0) trying = { ...trying, seconds: 0 };
      else if (code === portTaken && trying.externalPort < wish.externalPort + maxPortsTried - 1)
        trying = { ...trying, externalPort: trying.externalPort + 1 };
      else break;
    }
    return { answer, wish: trying };
  };

  const external = async (signal: AbortSignal): Promise<string | null> => {
    const told = await call('GetExternalIPAddress', [], signal);
    const address = told.kind === 'done' ? told.values['NewExternalIPAddress'] : undefined;
    if (address === '') return noAddress;
    return address !== undefined && isIPv4(address) ? address : null;
  };

  return {
    protocol: 'UPnP',
    map: async (wish, closing): Promise<MappingAnswer> => {
      const signal = AbortSignal.any([closing, AbortSignal.timeout(attemptMilliseconds)]);
      if (service === null || isLost) {
        const locations = await search(ports, signal);
        if (locations.length === 0) return silent;
        const found = await firstService(locations, gateway, signal);
        if (found === null) return refusedBecause('its description cannot be read, or names nothing that maps ports');
        service = found;
        isLost = false;
      }
      const { answer, wish: got } = await addSome(wish, signal);
      if (answer.kind === 'nonsense') {
        isLost = true;
        return refusedBecause('it gave no proper answer');
      }
      if (answer.kind === 'failed') {
        const said = answer.text === '' ? '' : `, ${quoted(answer.text)}`;
        return refusedBecause(reasons[answer.code] ?? `error ${answer.code}${said}`, await external(signal));
      }
      const reserved = answer.values['NewReservedPort'];
      const externalPort = reserved === undefined ? got.externalPort : Number(reserved);
      if (externalPort !== got.externalPort) asked.delete(got.externalPort);
      if (Number.isInteger(externalPort)) asked.add(externalPort);
      const externalAddress = await external(signal);
      return { kind: 'granted', granted: { externalPort, externalAddress, seconds: got.seconds } };
    },
    unmap: async () => {
      const signal = AbortSignal.timeout(removalMilliseconds);
      const removed = [...asked].map((port) =>
        call(
          'DeletePortMapping',
          [
            ['NewRemoteHost', ''],
            ['NewExternalPort', port],
            ['NewProtocol', 'TCP'],
          ],
          signal,
        ),
      );
      asked.clear();
      await Promise.all(removed);
    },
  };
}

/** Where the gateway describes itself, as it answers to a search; devices of version 2 first. */
function search({ gateway, search: { address, port } }: UpnpPorts, signal: AbortSignal): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const found = new Set<string>();
    const socket = createSocket('udp4');
    const timers: NodeJS.Timeout[] = [];
    let isOver = false;
    let answers = 0;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener('abort', end);
      socket.close();
      resolve([...found]);
    };
    const send = (): void => {
      for (const target of searchTargets) socket.send(encodeSearch(target), port, address);
    };
    socket.on('error', end);
    socket.on('message', (datagram, from) => {
      answers += 1;
      const location = from.address === gateway.address ? locationIn(datagram, gateway.address) : null;
      if (location !== null) found.add(location);
      if (found.size > 0 && timers.length === 2) timers.push(setTimeout(end, searchAgainMilliseconds));
      if (answers >= maxSearchAnswers) end();
    });
    if (signal.aborted) return end();
    signal.addEventListener('abort', end);
    socket.bind(0, gateway.local, () => {
      if (isOver) return;
      try {
        socket.setMulticastInterface(gateway.local);
        socket.setMulticastTTL(multicastHops);
      } catch {
        // The interface has gone meanwhile.
        end();
        return;
      }
      send();
      timers.push(setTimeout(send, searchAgainMilliseconds), setTimeout(end, searchMilliseconds));
    });
  });
}

/** Descriptions read of one gateway. */
const maxDescriptions = 4;

async function firstService(
  locations: readonly string[],
  gateway: Gateway,
  signal: AbortSignal,
): Promise<WanService | null> {
  let found: WanService | null = null;
  for (const location of locations.slice(0, maxDescriptions)) {
    const url = onGateway(location, gateway.address);
    const answer = url === null ? null : await smallHttp({ url }, signal);
    const service = answer?.status === 200 ? serviceIn(answer.body, location, gateway.address) : null;
    if (service !== null && (found === null || (service.choosesPort && !found.choosesPort))) found = service;
  }
  return found;
}
