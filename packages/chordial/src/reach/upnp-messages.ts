/** What is said to and by routers with UPnP: searches and answers (SSDP), their description, and calls (SOAP). */
import { elementsNamed, readXml, textOfChild } from '../xml.ts';

export const ssdpPort = 1900;
export const ssdpGroup = '239.255.255.250';
const maxSearchAnswerBytes = 4096;

/** Devices in the order of preference. */
export const searchTargets = [
  'urn:schemas-upnp-org:device:InternetGatewayDevice:2',
  'urn:schemas-upnp-org:device:InternetGatewayDevice:1',
] as const;

const services = [
  'urn:schemas-upnp-org:service:WANIPConnection:2',
  'urn:schemas-upnp-org:service:WANIPConnection:1',
  'urn:schemas-upnp-org:service:WANPPPConnection:1',
] as const;

export function encodeSearch(target: string): Buffer {
  const lines = [
    'M-SEARCH * HTTP/1.1',
    `HOST: ${ssdpGroup}:${ssdpPort}`,
    'MAN: "ssdp:discover"',
    'MX: 1',
    `ST: ${target}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Where the gateway describes itself; null for any other answer, and for a description on another host. */
export function locationIn(datagram: Buffer, gateway: string): string | null {
  if (datagram.length > maxSearchAnswerBytes) return null;
  const [status = '', ...lines] = datagram.toString('latin1').split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(status)) return null;
  const header = (name: string): string =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? '';
  if (!searchTargets.some((target) => target === header('st'))) return null;
  return onGateway(header('location'), gateway)?.href ?? null;
}

/** The URL if it leads to the gateway by HTTP, without a name or a password; else null. */
export function onGateway(url: string, gateway: string, base?: string): URL | null {
  const parsed = URL.parse(url, base);
  if (parsed === null || parsed.protocol !== 'http:' || parsed.hostname !== gateway) return null;
  return parsed.username === '' && parsed.password === '' ? parsed : null;
}

export interface WanService {
  readonly type: string;
  /** `AddAnyPortMapping` exists from version 2 on. */
  readonly choosesPort: boolean;
  readonly control: URL;
}

/** The service that maps ports, by preference; null when there is none, and a control URL on another host counts as none. */
export function serviceIn(description: string, location: string, gateway: string): WanService | null {
  const root = readXml(description);
  if (root === null) return null;
  const base = textOfChild(root, 'URLBase') || location;
  const offered = elementsNamed(root, 'service');
  for (const type of services) {
    for (const service of offered.filter((one) => textOfChild(one, 'serviceType') === type)) {
      const control = onGateway(textOfChild(service, 'controlURL') ?? '', gateway, base);
      if (control !== null) return { type, choosesPort: type.endsWith(':2'), control };
    }
  }
  return null;
}

export type SoapArguments = readonly (readonly [name: string, value: string | number])[];

export function encodeCall(type: string, action: string, given: SoapArguments): string {
  const inside = given.map(([name, value]) => `<${name}>${escaped(`${value}`)}</${name}>`).join('');
  return `<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:${action} xmlns:u="${type}">${inside}</u:${action}></s:Body></s:Envelope>\r\n`;
}

export type SoapAnswer =
  | { readonly kind: 'done'; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'failed'; readonly code: number; readonly text: string }
  /** Neither an answer to this action nor an error. */
  | { readonly kind: 'nonsense' };

export function decodeCall(body: string, action: string): SoapAnswer {
  const root = readXml(body);
  if (root === null) return { kind: 'nonsense' };
  const [error] = elementsNamed(root, 'UPnPError');
  if (error !== undefined) {
    const code = Number(textOfChild(error, 'errorCode'));
    const text = textOfChild(error, 'errorDescription') ?? '';
    return Number.isSafeInteger(code) ? { kind: 'failed', code, text } : { kind: 'nonsense' };
  }
  const [answer] = elementsNamed(root, `${action}Response`);
  if (answer === undefined) return { kind: 'nonsense' };
  return { kind: 'done', values: Object.fromEntries(answer.children.map(({ name, text }) => [name, text])) };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
