/** How members keep codes for each other, and answer for them. */
import type { HostId } from '@chordial/ring';
import { isHostId } from '../network/host-id.ts';
import { Message } from '../wire/message.ts';
import { bytes, bytesUpTo, int, list, nullable, text, textThat, tuple, uint, type ValueOf } from '../wire/schema.ts';
import { maxNumber } from './code.ts';
import { pointBytes } from './cpace.ts';
import { confirmationBytes, sessionBytes, tagBytes } from './exchange.ts';

/** The sender among them. */
export const maxGuardians = 4;
/** What a code leads to. */
export const maxTargetBytes = 2048;
export const exchangeBytes = 16;
/** Three words of at most eight letters. */
const maxWordsCharacters = 26;
/** More receives than any code has. */
export const maxTimes = 10_000;
/** A guardian that counts further is not believed. */
const maxCounted = 100_000;

const host = textThat((wire): wire is HostId => isHostId(wire), 'is no peer id');
const number = int(1, maxNumber);
export const guardianHosts = list(host, maxGuardians, 1);
const count = int(0, maxCounted);

/** What one guardian has counted: confirmations that it was to look at, of them those that cost no guess, of them the right ones. */
const counted = tuple({ guardian: host, begun: count, free: count, right: count });
export const counts = list(counted, maxGuardians);
export type Counted = ValueOf<typeof counted>;

export const kept = tuple({
  number,
  words: text(maxWordsCharacters),
  target: bytesUpTo(maxTargetBytes),
  /** Milliseconds since 1970. */
  expiry: uint,
  /** Receives after which it ends. */
  times: nullable(int(1, maxTimes)),
  guardians: guardianHosts,
});
export type KeepQuestion = ValueOf<typeof kept>;

const nothing = tuple({});

const told = tuple({ confirmation: bytes(confirmationBytes), sealed: bytesUpTo(maxTargetBytes + tagBytes) });

export const codeMessages = {
  keep: new Message('codes.keep', kept, nothing),
  /** From its publisher. */
  burn: new Message('codes.burn', tuple({ number }), nothing),
  answer: new Message(
    'codes.answer',
    tuple({ publisher: host, number, session: bytes(sessionBytes), point: bytes(pointBytes) }),
    tuple({ exchange: bytes(exchangeBytes), point: bytes(pointBytes) }),
  ),
  /** Null: the words are wrong. */
  confirm: new Message(
    'codes.confirm',
    tuple({ exchange: bytes(exchangeBytes), confirmation: bytes(confirmationBytes) }),
    tuple({ told: nullable(told) }),
  ),
  /** Between guardians of one code: each says what it knows. */
  count: new Message('codes.count', tuple({ publisher: host, number, counts }), tuple({ counts })),
} as const;
