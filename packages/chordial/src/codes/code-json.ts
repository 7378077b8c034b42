/** The messages of an exchange as JSON, for doors and the API: bytes in base64url. */
import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { isHostId } from '../network/host-id.ts';
import { maxNumber } from './code.ts';
import { exchangeBytes, maxGuardians, maxTargetBytes } from './code-messages.ts';
import { type Codes, maxSendersOfNumber, type Turn } from './codes.ts';
import { pointBytes } from './cpace.ts';
import { confirmationBytes, sessionBytes, type Told, tagBytes } from './exchange.ts';

export interface BeginBody {
  readonly session: string;
  readonly point: string;
  /** From this one on. */
  readonly turn: Turn;
}

export interface BegunBody {
  readonly publisher: string;
  readonly guardian: string;
  readonly exchange: string;
  readonly point: string;
  readonly turn: Turn;
}

export interface ConfirmBody {
  readonly guardian: string;
  readonly exchange: string;
  readonly confirmation: string;
}

export interface ToldBody {
  readonly confirmation: string;
  readonly sealed: string;
}

type Answering = Pick<Codes, 'begin' | 'confirm'>;

/** Throws like `Codes.begin`, and `bad-request`. */
export async function beginOf(codes: Answering, number: number, body: BeginBody): Promise<BegunBody> {
  const { session, point, turn } = body;
  if (!isWhole(number, maxNumber) || !isTurn(turn)) throw malformed();
  const asked = { session: bytesIn(session, sessionBytes), point: bytesIn(point, pointBytes) };
  const begun = await codes.begin(number, asked, turn);
  return { ...begun, exchange: textOf(begun.exchange), point: textOf(begun.point) };
}

/** Throws like `Codes.confirm`, `bad-request`, and `wrong-code`. */
export async function confirmOf(codes: Answering, body: ConfirmBody): Promise<ToldBody> {
  const { guardian, exchange, confirmation } = body;
  if (!isHostId(guardian)) throw malformed();
  const told = await codes.confirm(guardian, {
    exchange: bytesIn(exchange, exchangeBytes),
    confirmation: bytesIn(confirmation, confirmationBytes),
  });
  if (told === null) throw new ChordialError('wrong-code', 'The words of the code are wrong.');
  return { confirmation: textOf(told.confirmation), sealed: textOf(told.sealed) };
}

export function beginBody(asked: { readonly session: Uint8Array; readonly point: Uint8Array }, turn: Turn): BeginBody {
  return { session: textOf(asked.session), point: textOf(asked.point), turn };
}

export function confirmBody({ guardian, exchange }: BegunBody, confirmation: Uint8Array): ConfirmBody {
  return { guardian, exchange, confirmation: textOf(confirmation) };
}

/** What a door answered. Throws `bad-content` for anything that none says. */
export function readBegun(answer: unknown): BegunBody & {
  readonly publisher: HostId;
  readonly guardian: HostId;
  readonly pointBytes: Uint8Array;
} {
  const { publisher, guardian, exchange, point, turn } = fieldsOf(answer);
  if (!isHostId(publisher) || !isHostId(guardian) || typeof exchange !== 'string' || !isTurn(turn)) throw nonsense();
  return {
    publisher,
    guardian,
    exchange,
    point: String(point),
    pointBytes: heard(point, (length) => length === pointBytes),
    turn,
  };
}

export function readTold(answer: unknown): Told {
  const { confirmation, sealed } = fieldsOf(answer);
  return {
    confirmation: heard(confirmation, (length) => length === confirmationBytes),
    sealed: heard(sealed, (length) => length <= maxTargetBytes + tagBytes),
  };
}

function fieldsOf(answer: unknown): Readonly<Record<string, unknown>> {
  if (typeof answer !== 'object' || answer === null) throw nonsense();
  return answer as Record<string, unknown>;
}

function heard(text: unknown, isRight: (length: number) => boolean): Uint8Array {
  const bytes = typeof text === 'string' ? Uint8Array.from(Buffer.from(text, 'base64url')) : null;
  if (bytes === null || !isRight(bytes.length)) throw nonsense();
  return bytes;
}

function bytesIn(text: string, length: number): Uint8Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64url'));
  if (bytes.length !== length) throw malformed();
  return bytes;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function isTurn(value: unknown): value is Turn {
  if (typeof value !== 'object' || value === null) return false;
  const { sender, guardian } = value as Partial<Record<keyof Turn, unknown>>;
  return isWhole(sender, maxSendersOfNumber) && isWhole(guardian, maxGuardians);
}

function isWhole(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

function malformed(): ChordialError {
  return new ChordialError('bad-request', 'This is no message about a code.');
}

function nonsense(): ChordialError {
  return new ChordialError('bad-content', 'The door answered with something that is no message about a code.');
}
