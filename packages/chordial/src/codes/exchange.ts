/**
 * One exchange about a code: the receiver asks with the words of the code, a guardian answers with what it keeps. The
 * receiver confirms first, so that those who relay or ask learn nothing that could be tried at leisure; only then the
 * guardian confirms too and tells what the code leads to, sealed for that receiver.
 */
import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import type { HostId } from '@chordial/ring';
import type { Code } from './code.ts';
import {
  type Channel,
  commonPoint,
  confirmation,
  isSame,
  prefixed,
  type Share,
  scalarOf,
  scalarSeedBytes,
  sessionKey,
  shareOf,
} from './cpace.ts';

/** Drawn by the receiver. */
export const sessionBytes = 16;
export const confirmationBytes = 64;
/** Of the seal. */
export const tagBytes = 16;

const protocol = Buffer.from('chordial code v1');
const noData = new Uint8Array(0);
const cipher = 'chacha20-poly1305';
/** Each key seals once. */
const nonce = new Uint8Array(12);

export type RandomBytes = (length: number) => Uint8Array;

/** Whose code it is, and which member answers for it. */
export interface Guarded {
  readonly publisher: HostId;
  readonly guardian: HostId;
}

interface Asked {
  readonly session: Uint8Array;
  readonly point: Uint8Array;
}

/** The last word of a guardian. */
export interface Told {
  readonly confirmation: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The side of the receiver: one for each exchange. */
export class Asking {
  readonly #channel: Channel;
  readonly #scalar: bigint;
  readonly #own: Share;
  #agreed: { readonly key: Uint8Array; readonly other: Share } | null = null;

  constructor(code: Code, random: RandomBytes) {
    this.#channel = channelOf(code, random(sessionBytes));
    this.#scalar = scalarOf(random(scalarSeedBytes));
    this.#own = { point: shareOf(this.#channel, this.#scalar), data: noData };
  }

  get question(): Asked {
    return { session: this.#channel.session, point: this.#own.point };
  }

  /** The proof of knowing the words; null for an answer that no honest guardian gives. */
  confirm(guarded: Guarded, point: Uint8Array): Uint8Array | null {
    const { session } = this.#channel;
    const common = commonPoint(this.#scalar, point);
    if (common === null) return null;
    const other = { point, data: dataOf(guarded) };
    const key = sessionKey(session, common, { initiator: this.#own, responder: other });
    this.#agreed = { key, other };
    return confirmation(session, key, this.#own);
  }

  /** What the code leads to; null when the other side does not know the words. */
  open({ confirmation: given, sealed }: Told): Uint8Array | null {
    const { session } = this.#channel;
    if (this.#agreed === null) return null;
    const { key, other } = this.#agreed;
    if (!isSame(given, confirmation(session, key, other))) return null;
    return unsealed(sealingKey(session, key), sealed);
  }
}

/** What a guardian keeps of an exchange until it is confirmed. */
export interface Answering {
  readonly point: Uint8Array;
  isRight(confirmation: Uint8Array): boolean;
  tell(target: Uint8Array): Told;
}

/** The side of the guardian; null for a point that is none. */
export function answerTo(
  code: Code,
  guarded: Guarded,
  { session, point }: Asked,
  random: RandomBytes,
): Answering | null {
  const channel = channelOf(code, session);
  const scalar = scalarOf(random(scalarSeedBytes));
  const common = commonPoint(scalar, point);
  if (common === null) return null;
  const initiator = { point, data: noData };
  const responder = { point: shareOf(channel, scalar), data: dataOf(guarded) };
  const key = sessionKey(session, common, { initiator, responder });
  return {
    point: responder.point,
    isRight: (given) => isSame(given, confirmation(session, key, initiator)),
    tell: (target) => ({
      confirmation: confirmation(session, key, responder),
      sealed: sealed(sealingKey(session, key), target),
    }),
  };
}

function channelOf({ number, words }: Code, session: Uint8Array): Channel {
  const identifier = Buffer.concat([prefixed(protocol), prefixed(Buffer.from(String(number)))]);
  return { password: Buffer.from(words), identifier, session };
}

function dataOf({ publisher, guardian }: Guarded): Uint8Array {
  return Buffer.concat([prefixed(Buffer.from(publisher)), prefixed(Buffer.from(guardian))]);
}

function sealingKey(session: Uint8Array, key: Uint8Array): Uint8Array {
  return hash('sha512', Buffer.concat([protocol, Buffer.from(' seal'), session, key]), 'buffer').subarray(0, 32);
}

function sealed(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  const bytes = Buffer.concat([sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
  return Uint8Array.from(bytes);
}

function unsealed(key: Uint8Array, bytes: Uint8Array): Uint8Array | null {
  if (bytes.length < tagBytes) return null;
  const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  opening.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  try {
    return Uint8Array.from(
      Buffer.concat([opening.update(bytes.subarray(0, bytes.length - tagBytes)), opening.final()]),
    );
  } catch {
    return null;
  }
}
