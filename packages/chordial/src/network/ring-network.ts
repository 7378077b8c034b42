/** Adapter between the ring, which uses callbacks and no bytes, and a Transport, which uses promises. */
import type {
  AskFailure,
  AskResult,
  Contact,
  HostId,
  Milliseconds,
  RingAsks,
  RingHandler,
  RingMessageKind,
  RingNetwork,
  RingQuestion,
} from '@chordial/ring';
import { malformed } from '../wire/transport-error.ts';
import { isHidden, isOnThisMachine } from './addresses.ts';
import { isRingMessageKind, type RingCodec } from './ring-codec.ts';
import { type Transport, TransportError, type Wire } from './transport.ts';

/** Kinds of the ring's requests begin with this. */
export const ringKindPrefix = 'ring/';

export function ringNetwork(transport: Transport, codec: RingCodec): RingNetwork {
  async function ask<K extends RingMessageKind>(
    to: Contact,
    { kind, ask: asked, deadline }: RingQuestion<K>,
  ): Promise<AskResult<K>> {
    try {
      const body = codec.encodeAsk(kind, asked, isElsewhere(to));
      const wire = await transport.request(to, ringKindPrefix + kind, body, { deadline });
      return { ok: true, answer: codec.decodeAnswer(kind, wire, asked, to.host) };
    } catch (error) {
      return { ok: false, failure: failureOf(error) };
    }
  }

  async function ping(to: Contact, timeout: Milliseconds): Promise<'alive' | AskFailure> {
    try {
      await transport.ping(to, timeout);
      return 'alive';
    } catch (error) {
      return failureOf(error);
    }
  }

  // `done` runs outside of the promise: an error there is a bug of the ring and must end the process, not vanish.
  return {
    ask: (to, question, done) => {
      ask(to, question).then((result) => queueMicrotask(() => done(result)));
    },
    ping: (to, timeout, done) => {
      ping(to, timeout).then((result) => queueMicrotask(() => done(result)));
    },
  };
}

/**
 * For `Handlers.request`: answers kinds that begin with `ring/`; throws a TransportError `refused` for others, and
 * `not-admitted` for a host that claims places without the right to have any.
 */
export function ringRequests(handler: RingHandler, codec: RingCodec, mayBeMember = (_host: HostId) => true) {
  return async (from: Contact, kind: string, body: Wire): Promise<Wire> => {
    const name = kind.startsWith(ringKindPrefix) ? kind.slice(ringKindPrefix.length) : '';
    if (!isRingMessageKind(name)) throw malformed(`the ring has no message ${JSON.stringify(kind)}`);
    return answer({ handler, codec, mayBeMember }, from, name, body);
  };
}

interface Answering {
  readonly handler: RingHandler;
  readonly codec: RingCodec;
  readonly mayBeMember: (host: HostId) => boolean;
}

function answer<K extends RingMessageKind>(
  { handler, codec, mayBeMember }: Answering,
  from: Contact,
  kind: K,
  body: Wire,
): Promise<Wire> {
  const ask = codec.decodeAsk(kind, body, from.host);
  if (!mayBeMember(from.host) && saysItHasPlaces(ask, from.host)) throw storesNothing();
  return new Promise((resolve, reject) => {
    handler.handle(from.host, kind, ask, (given) => {
      if (given === null) reject(new TransportError('refused', `The ring refused ${kind}.`));
      else resolve(codec.encodeAnswer(kind, given, isElsewhere(from)));
    });
  });
}

function saysItHasPlaces(ask: RingAsks[RingMessageKind], host: HostId): boolean {
  const members = [
    ...('notices' in ask ? ask.notices.map(({ from }) => from) : []),
    ...('candidates' in ask ? ask.candidates : []),
  ];
  const events = [...('events' in ask ? ask.events : []), ...('arrivals' in ask ? ask.arrivals : [])];
  return (
    members.some(({ contact }) => contact.host === host) ||
    events.some(({ contact, virtualNodes }) => contact.host === host && virtualNodes > 0)
  );
}

function storesNothing(): TransportError {
  const message =
    'By its certificate this member may not store, so it has no places on the ring. Start it with --quota 0, or ask an admin for another invite.';
  return new TransportError('refused', message, 'not-admitted');
}

/** A peer with an address on this machine learned it from itself or from a neighbour on this machine. */
function isElsewhere(contact: Contact): boolean {
  // Homes have the same private addresses.
  return isHidden(contact) || !contact.addresses.some((address) => isOnThisMachine(address));
}

function failureOf(error: unknown): AskFailure {
  if (!(error instanceof TransportError)) throw error;
  return error.failure === 'aborted' ? 'timeout' : error.failure;
}
