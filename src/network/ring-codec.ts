/**
 * All messages of the ring as DAG-CBOR: `[contacts, body]`, the body a list by position. Decoding trusts no one: lists
 * are bounded, identifiers and contacts valid, answers as long as what was asked, and a host speaks for itself only.
 * What a message means for the state (order, duplicates) is the ring's to judge.
 */
import { maxListEntries, type RingAnswers, type RingAsks, type RingMessageKind } from '../ring/messages.ts';
import type { HostId } from '../ring/pointer.ts';
import { decodeContact } from './contact-codec.ts';
import type { RingShape } from './pointer-codec.ts';
import { RingReader } from './ring-reader.ts';
import { RingWriter } from './ring-writer.ts';
import type { Wire } from './transport.ts';
import { malformed, readBoolean, readInteger, readList, readTuple } from './wire-reading.ts';

/** Every entry of the longest list may name a predecessor and a list of other hosts; the body's length bounds it too. */
const maxContacts = maxListEntries * 64;

export interface RingCodec {
  /** `elsewhere`: the reader is on another machine. */
  encodeAsk<K extends RingMessageKind>(kind: K, ask: RingAsks[K], elsewhere?: boolean): Wire;
  encodeAnswer<K extends RingMessageKind>(kind: K, answer: RingAnswers[K], elsewhere?: boolean): Wire;
  /** Throws a TransportError `refused` for whatever `from` may not say. */
  decodeAsk<K extends RingMessageKind>(kind: K, wire: Wire, from: HostId): RingAsks[K];
  /** The same for the answer of `from` to `ask`. */
  decodeAnswer<K extends RingMessageKind>(kind: K, wire: Wire, ask: RingAsks[K], from: HostId): RingAnswers[K];
}

interface MessageForm<K extends RingMessageKind> {
  writeAsk(table: RingWriter, ask: RingAsks[K]): Wire;
  readAsk(reader: RingReader, body: Wire): RingAsks[K];
  writeAnswer(table: RingWriter, answer: RingAnswers[K]): Wire;
  readAnswer(reader: RingReader, body: Wire, ask: RingAsks[K]): RingAnswers[K];
}

export function ringCodec(shape: RingShape): RingCodec {
  const write = (elsewhere: boolean, body: (writer: RingWriter) => Wire): Wire => {
    const writer = new RingWriter(shape, elsewhere);
    const wire = body(writer);
    return [writer.table.contacts, wire];
  };
  const read = (wire: Wire, from: HostId): [RingReader, Wire] => {
    const [table, body] = readTuple(wire, 'the message', 2);
    const contacts = readList(table, 'the table of contacts', 0, maxContacts).map(decodeContact);
    return [new RingReader(shape, contacts, from), body];
  };
  return {
    encodeAsk: (kind, ask, elsewhere = false) => write(elsewhere, (writer) => formOf(kind).writeAsk(writer, ask)),
    encodeAnswer: (kind, answer, elsewhere = false) =>
      write(elsewhere, (writer) => formOf(kind).writeAnswer(writer, answer)),
    decodeAsk: (kind, wire, from) => formOf(kind).readAsk(...read(wire, from)),
    decodeAnswer: (kind, wire, ask, from) => formOf(kind).readAnswer(...read(wire, from), ask),
  };
}

export function isRingMessageKind(kind: string): kind is RingMessageKind {
  return Object.hasOwn(forms, kind);
}

function formOf<K extends RingMessageKind>(kind: K): MessageForm<K> {
  return forms[kind] as MessageForm<K>;
}

const acknowledgement = {
  writeAnswer: (): Wire => [],
  readAnswer: (_: RingReader, body: Wire): Record<string, never> => {
    readTuple(body, 'the acknowledgement', 0);
    return {};
  },
};

const forms: { readonly [K in RingMessageKind]: MessageForm<K> } = {
  getState: {
    writeAsk: (writer, { members, notices }) => [writer.ids(members), writer.notices(notices)],
    readAsk: (reader, body) => {
      const [members, notices] = readTuple(body, 'a question for states', 2);
      return { members: reader.ids(members), notices: reader.notices(notices) };
    },
    writeAnswer: (writer, { states }) => states.map((state) => writer.state(state)),
    readAnswer: (reader, body, { members }) => ({
      states: readTuple(body, 'states', members.length).map((state) => reader.state(state)),
    }),
  },
  notify: {
    writeAsk: (writer, { notices }) => writer.notices(notices),
    readAsk: (reader, body) => ({ notices: reader.notices(body) }),
    ...acknowledgement,
  },
  find: {
    writeAsk: (writer, { keys }) => writer.ids(keys),
    readAsk: (reader, body) => ({ keys: reader.ids(body) }),
    writeAnswer: (writer, { found }) => found.map((answer) => writer.found(answer)),
    readAnswer: (reader, body, { keys }) => ({
      found: readTuple(body, 'answers', keys.length).map((answer) => reader.found(answer)),
    }),
  },
  poke: {
    writeAsk: (writer, { members, candidates }) => [writer.ids(members), writer.pointers(candidates)],
    readAsk: (reader, body) => {
      const [members, candidates] = readTuple(body, 'a poke', 2);
      return { members: reader.ids(members), candidates: reader.members(candidates, maxListEntries) };
    },
    ...acknowledgement,
  },
  leave: {
    writeAsk: (writer, { forGood, members }) => [forGood, writer.ids(members)],
    readAsk: (reader, body) => {
      const [forGood, members] = readTuple(body, 'a leave', 2);
      return { forGood: readBoolean(forGood, 'for good'), members: reader.ids(members) };
    },
    ...acknowledgement,
  },
  probe: {
    writeAsk: (writer, { hosts }) => hosts.map((host) => writer.table.contact(host)),
    readAsk: (reader, body) => ({
      hosts: readList(body, 'hosts', 0, maxListEntries).map((host) => reader.table.contact(host)),
    }),
    writeAnswer: (_, { reached }) => [...reached],
    readAnswer: (_, body, { hosts }) => ({
      reached: readTuple(body, 'the hosts reached', hosts.length).map((value) => readBoolean(value, 'reached')),
    }),
  },
  news: {
    writeAsk: (writer, { events }) => writer.events(events),
    readAsk: (reader, body) => ({ events: reader.events(body) }),
    writeAnswer: (writer, { events }) => writer.events(events),
    readAnswer: (reader, body) => ({ events: reader.events(body) }),
  },
  spread: {
    writeAsk: (writer, { until, arrivals, departures }) => [
      writer.shortId(until),
      writer.arrivals(arrivals),
      writer.departures(departures),
    ],
    readAsk: (reader, body) => {
      const [until, arrivals, departures] = readTuple(body, 'events', 3);
      return {
        until: reader.shortId(until),
        arrivals: reader.arrivals(arrivals),
        departures: reader.departures(departures),
      };
    },
    ...acknowledgement,
  },
  roll: {
    writeAsk: (writer, { after, most }) => [writer.id(after), most],
    readAsk: (reader, body) => {
      const [after, most] = readTuple(body, 'a question for the roll', 2);
      return { after: reader.id(after), most: readInteger(most, 'hosts', 1, maxListEntries) };
    },
    writeAnswer: (writer, { total, hosts }) => [total, writer.arrivals(hosts)],
    readAnswer: (reader, body, { most }) => {
      const [total, hosts] = readTuple(body, 'a page of the roll', 2);
      const page = reader.arrivals(hosts);
      if (page.length > most) throw malformed('a page of the roll is longer than asked for');
      return { total: readInteger(total, 'the hosts known', 0, Number.MAX_SAFE_INTEGER), hosts: page };
    },
  },
};
