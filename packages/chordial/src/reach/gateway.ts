/** The router of this machine: the gateway of its default route for IPv4. */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import { readSmallFile } from '../storage/small-file.ts';

const routeFile = '/proc/net/route';
const maxRouteBytes = 256 * 1024;
const maxCommandBytes = 16 * 1024;
const commandMilliseconds = 2000;

export interface Gateway {
  readonly address: string;
  /** This machine's own address towards it. */
  readonly local: string;
}

/** Null without a default route, or where the system does not tell. */
export async function defaultGateway(): Promise<Gateway | null> {
  const address = process.platform === 'linux' ? await fromLinux() : await fromCommand();
  const local = address === null ? null : await localAddressTowards(address);
  return address === null || local === null ? null : { address, local };
}

async function fromLinux(): Promise<string | null> {
  try {
    return gatewayInRoutes((await readSmallFile(routeFile, maxRouteBytes)).toString());
  } catch {
    return null;
  }
}

/** The systems derived from BSD, among them macOS. */
function fromCommand(): Promise<string | null> {
  const limits = { timeout: commandMilliseconds, maxBuffer: maxCommandBytes };
  return new Promise((resolve) => {
    execFile('route', ['-n', 'get', 'default'], limits, (error, output) =>
      resolve(error === null ? gatewayInCommand(output) : null),
    );
  });
}

const gatewayFlag = 0x2;
const upFlag = 0x1;

/** From /proc/net/route: destination 0, mask 0, the least metric. Addresses are in the byte order of the machine, little-endian here. */
export function gatewayInRoutes(text: string): string | null {
  let best: { readonly metric: number; readonly address: string } | null = null;
  for (const line of text.split('\n').slice(1)) {
    const [, destination, gateway = '', flags = '', , , metricText = '', mask] = line.trim().split(/\s+/);
    const isDefault = destination === '00000000' && mask === '00000000';
    const set = Number.parseInt(flags, 16);
    if (!isDefault || !/^[0-9A-F]{8}$/i.test(gateway) || (set & upFlag) === 0 || (set & gatewayFlag) === 0) continue;
    const metric = Number(metricText);
    if (best !== null && best.metric <= metric) continue;
    best = { metric, address: Buffer.from(gateway, 'hex').reverse().join('.') };
  }
  return best?.address ?? null;
}

/** From `route -n get default`: a line `gateway: 192.168.1.1`. */
export function gatewayInCommand(output: string): string | null {
  const address = /^\s*gateway:\s*(\S+)\s*$/m.exec(output)?.[1] ?? '';
  return isIPv4(address) ? address : null;
}

/** Connecting a UDP socket sends nothing; the system chooses the address. */
export function localAddressTowards(gateway: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (address: string | null): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => end(null));
    // Node tells a failure to this callback alone.
    const connected = (error?: Error): void => end(error instanceof Error ? null : socket.address().address);
    socket.connect(5351, gateway, connected);
  });
}
