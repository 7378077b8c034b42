/** PCP and NAT-PMP, spoken with the gateway. */
import { askGateway } from './ask-gateway.ts';
import type { Gateway } from './gateway.ts';
import {
  decodeNatPmpAddress,
  decodeNatPmpMap,
  encodeNatPmpMap,
  type NatPmpWish,
  natPmpAddressRequest,
  natPmpNoConnection,
  natPmpReason,
} from './nat-pmp.ts';
import { decodePcpAnswer, encodePcpMap, type PcpWish, pcpReason } from './pcp.ts';
import { type MappingAnswer, type MappingWish, noAddress, type Router, refusedBecause, silent } from './router.ts';

const removalMilliseconds = 1000;
const nothingGranted = 'it granted no time';

export interface GatewayPorts {
  readonly gateway: Gateway;
  /** 5351, except in tests. */
  readonly port: number;
}

/** The nonce is the same after each start, so that a mapping that a crash left is renewed and not refused. */
export function pcpRouter({ gateway, port }: GatewayPorts, nonce: Uint8Array): Router {
  let asked: PcpWish | null = null;
  const ask = (wish: PcpWish, signal: AbortSignal) => {
    const decode = (datagram: Buffer) => decodePcpAnswer(datagram, wish);
    return askGateway({ address: gateway.address, port, message: encodePcpMap(wish), decode }, signal);
  };
  return {
    protocol: 'PCP',
    map: async (wish, signal): Promise<MappingAnswer> => {
      asked = { ...wish, clientAddress: gateway.local, nonce };
      const answer = await ask(asked, signal);
      if (answer === null && signal.aborted) return silent;
      if (answer?.kind === 'mapped' && answer.seconds > 0) return { kind: 'granted', granted: answer };
      asked = null;
      if (answer === null || answer.kind === 'other-version') return silent;
      return refusedBecause(answer.kind === 'failed' ? pcpReason(answer.code) : nothingGranted);
    },
    unmap: async () => {
      if (asked === null) return;
      const removal = { ...asked, externalPort: 0, seconds: 0 };
      asked = null;
      await ask(removal, AbortSignal.timeout(removalMilliseconds));
    },
  };
}

export function natPmpRouter({ gateway, port }: GatewayPorts): Router {
  const { address } = gateway;
  let asked: NatPmpWish | null = null;
  const ask = (wish: NatPmpWish, signal: AbortSignal) => {
    const decode = (datagram: Buffer) => decodeNatPmpMap(datagram, wish);
    return askGateway({ address, port, message: encodeNatPmpMap(wish), decode }, signal);
  };
  const external = async (signal: AbortSignal): Promise<string | null> => {
    const question = { address, port, message: natPmpAddressRequest, decode: decodeNatPmpAddress };
    const told = await askGateway(question, signal);
    if (told?.kind === 'address') return told.address;
    return told?.code === natPmpNoConnection ? noAddress : null;
  };
  return {
    protocol: 'NAT-PMP',
    map: async (wish: MappingWish, signal): Promise<MappingAnswer> => {
      asked = wish;
      const answer = await ask(wish, signal);
      if (answer === null && signal.aborted) return silent;
      if (answer === null) {
        asked = null;
        return silent;
      }
      const externalAddress = await external(signal);
      if (answer.kind === 'mapped' && answer.seconds > 0)
        return { kind: 'granted', granted: { ...answer, externalAddress } };
      asked = null;
      return refusedBecause(answer.kind === 'failed' ? natPmpReason(answer.code) : nothingGranted, externalAddress);
    },
    unmap: async () => {
      if (asked === null) return;
      const removal = { ...asked, externalPort: 0, seconds: 0 };
      asked = null;
      await ask(removal, AbortSignal.timeout(removalMilliseconds));
    },
  };
}
