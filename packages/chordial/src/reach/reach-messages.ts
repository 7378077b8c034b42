/** How a member asks others whether it can be reached from where they are. */
import { isIP } from 'node:net';
import { Message } from '../wire/message.ts';
import { int, numbered, textThat, tuple, type ValueOf } from '../wire/schema.ts';

/**
 * What came of the dialling: the asker was there; nothing took the connection; no answer came; something else answered.
 */
const outcomes = ['reached', 'refused', 'silent', 'another'] as const;
export type DialOutcome = (typeof outcomes)[number];

const maxIpCharacters = 45;
const ip = textThat(
  (wire): wire is string => typeof wire === 'string' && wire.length <= maxIpCharacters && isIP(wire) !== 0,
  'is no IP address',
);

const dialledBack = tuple({
  /** The address that was dialled: the one from which the asker's connection comes. */
  address: ip,
  outcome: numbered(outcomes),
});
export type DialledBack = ValueOf<typeof dialledBack>;

/** The question has no address, so that no member can be made to dial another host. */
export const reachMessages = {
  dialBack: new Message('reach.dial-back', tuple({ port: int(1, 65_535) }), dialledBack),
} as const;
