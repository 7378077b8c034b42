/**
 * What is said on a relay connection: HTTP/2 with ALPN `chordial-relay/1`, opened by hosts to a member that relays. After HELLO
 *
 *   POST /register     a hidden host; the answer stays open, and calls come in it as frames
 *   POST /back         "tell that hidden host to dial me"
 *   CONNECT            with a peer id as authority: a tunnel to that hidden host; with a token: its other end
 */
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { bytes, decodeAs, encodeAs, int, nullable, numbered, textThat, tuple, type ValueOf } from '../wire/schema.ts';
import { isDialable, parseAddress, relayAddress } from './addresses.ts';
import { encodeQuestion } from './control-frames.ts';
import { hostKey } from './host-id.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export const relayProtocol = 'chordial-relay/1';
export const registerPath = '/register';
export const backPath = '/back';
/** Of a connection that the one who is asked has dialled; its token follows in hexadecimal. */
const backPrefix = 'chordial-back/1:';
const tokenBytes = 16;
const tokenPattern = /^[0-9a-f]{32}$/;

const token = bytes(tokenBytes);
const purpose = numbered(['control', 'bulk']);
/** No names: who asks the system for one may be led anywhere. */
const numeric = textThat(
  (wire): wire is string => isDialable(wire) && relayAddress(wire) === null && isIP(parseAddress(wire).host) !== 0,
  'is not ADDRESS:PORT',
);

/** To a relay: have the host dial the asker, at the address that the relay sees. */
export const backAsk = tuple({ to: hostKey, port: int(1, 65_535), purpose, token });
/** From a relay to a hidden host. */
export const call = tuple({
  token,
  /** Null: open the other end of a tunnel. */
  back: nullable(
    tuple({
      from: hostKey,
      /** Null: the relay itself, where it was dialled. */
      at: nullable(numeric),
      purpose,
    }),
  ),
});

export type BackAsk = ValueOf<typeof backAsk>;
export type Call = ValueOf<typeof call>;
export type Back = NonNullable<Call['back']>;

export function newToken(): Uint8Array {
  return Uint8Array.from(randomBytes(tokenBytes));
}

export function tokenText(given: Uint8Array): string {
  return Buffer.from(given).toString('hex');
}

export function isTokenText(text: string): boolean {
  return tokenPattern.test(text);
}

export function backProtocol(given: Uint8Array): string {
  return backPrefix + tokenText(given);
}

/** The token of a protocol, as text; null of others. */
export function tokenOfProtocol(protocol: string): string | null {
  const text = protocol.startsWith(backPrefix) ? protocol.slice(backPrefix.length) : '';
  return isTokenText(text) ? text : null;
}

/** Longer frames than these are no calls. */
export const maxCallBytes = 512;
const callKind = 'call';
const beatKind = 'beat';

export function encodeCall(id: number, given: Call): Buffer {
  return encodeQuestion(id, callKind, encodeBody(encodeAs(call, given)));
}

/** That the sender is there. */
export function encodeBeat(id: number): Buffer {
  return encodeQuestion(id, beatKind, encodeBody(null));
}

/** Null for a beat. Throws a TransportError `bad-request`. */
export function decodeCall(kind: string, body: Buffer): Call | null {
  return kind === beatKind ? null : decodeAs(call, decodeBody(body));
}
