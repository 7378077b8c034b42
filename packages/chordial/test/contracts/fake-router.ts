/** Routers on real sockets of loopback: datagrams as the test answers them, and UPnP with a description and calls. */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { searchTargets } from '../../src/reach/upnp-messages.ts';

/** The datagrams with which a router answers one. */
export type Answering = (message: Buffer, from: RemoteInfo) => readonly Buffer[];

/** A UDP socket at this address that answers; its port. */
export async function answeringSocket(t: TestContext, answering: Answering, address = '127.0.0.1'): Promise<number> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (message, from) => {
    for (const answer of answering(message, from)) socket.send(answer, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket.address().port;
}

export interface UpnpCall {
  readonly action: string;
  readonly service: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface FakeUpnp {
  /** Of the searches. */
  readonly port: number;
  readonly calls: readonly UpnpCall[];
}

export interface UpnpBehaviour {
  readonly version?: 1 | 2;
  /** The body of a call's answer, or the code of its error. */
  readonly answer?: (call: UpnpCall) => string | number;
  /** In place of the description, or of the answer to a call. */
  readonly serve?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** In place of where the description is. */
  readonly location?: string;
  /** The address from which searches are answered. */
  readonly from?: string;
}

export async function fakeUpnp(t: TestContext, behaviour: UpnpBehaviour = {}): Promise<FakeUpnp> {
  const { version = 1, answer = () => '', serve = () => false, from = '127.0.0.1' } = behaviour;
  const calls: UpnpCall[] = [];
  const server = createServer(async (request, response) => {
    if (serve(request, response)) return;
    let body = '';
    for await (const piece of request) body += piece;
    if (request.method === 'GET') {
      response.end(description(version));
      return;
    }
    const call = callIn(request, body);
    calls.push(call);
    const said = answer(call);
    response.statusCode = typeof said === 'number' ? 500 : 200;
    response.end(envelope(typeof said === 'number' ? fault(said) : said || `<u:${call.action}Response xmlns:u="x"/>`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { location = `http://127.0.0.1:${port}/root.xml` } = behaviour;
  const target = searchTargets[version === 2 ? 0 : 1];
  const found = Buffer.from(`HTTP/1.1 200 OK\r\nST: ${target}\r\nLOCATION: ${location}\r\n\r\n`);
  const isAsked = (message: Buffer): boolean => message.toString().includes(`ST: ${target}\r\n`);
  const searches =
    from === '127.0.0.1'
      ? await answeringSocket(t, (message) => (isAsked(message) ? [found] : []))
      : await answeringElsewhere(t, from, found);
  return { port: searches, calls };
}

/** Asked at the router's address, and answered from another. */
async function answeringElsewhere(t: TestContext, from: string, answer: Buffer): Promise<number> {
  const other = createSocket('udp4');
  t.after(() => other.close());
  other.bind(0, from);
  await once(other, 'listening');
  return answeringSocket(t, (_, asker) => {
    other.send(answer, asker.port, asker.address);
    return [];
  });
}

function callIn(request: IncomingMessage, body: string): UpnpCall {
  const [, service = '', action = ''] = /^"(.*)#(\w+)"$/.exec(String(request.headers['soapaction'])) ?? [];
  const values = [...body.matchAll(/<(New\w+)>([^<]*)<\/\1>/g)].map(([, name, value]) => [name, value]);
  return { action, service, values: Object.fromEntries(values) as Record<string, string> };
}

function description(version: 1 | 2): string {
  const type = `urn:schemas-upnp-org:service:WANIPConnection:${version}`;
  return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><deviceList><device><deviceList><device><serviceList><service><serviceType>${type}</serviceType><controlURL>/control</controlURL></service></serviceList></device></deviceList></device></deviceList></device></root>`;
}

export function envelope(inside: string): string {
  return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${inside}</s:Body></s:Envelope>`;
}

function fault(code: number): string {
  return `<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>${code}</errorCode><errorDescription>said so</errorDescription></UPnPError></detail></s:Fault>`;
}
