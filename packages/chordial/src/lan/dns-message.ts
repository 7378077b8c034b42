/**
 * DNS messages of the LAN (RFC 1035, 6762), reduced to the records that DNS-SD uses. `dns-packet` reads and writes them; what it
 * reads is hostile, so sizes and counts are checked before and types and names after.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, TRUNCATED_RESPONSE } from 'dns-packet';

/** RFC 6762, 17: no message of the LAN is larger. */
export const maxMessageBytes = 9000;
export const maxQuestions = 64;
/** Answers, authorities and additional records together. */
export const maxRecords = 128;
const maxNameCharacters = 255;
const maxTextStrings = 16;
const headerBytes = 12;
const maxTtlSeconds = 2 ** 31 - 1;

interface Named {
  /** In lower case. */
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  /** Only one host has such a record: it replaces what was known (the cache-flush bit). */
  readonly isUnique: boolean;
}

export type LanRecord = Named &
  (
    | { readonly type: 'PTR'; readonly data: string }
    | { readonly type: 'SRV'; readonly data: { readonly port: number; readonly target: string } }
    | { readonly type: 'TXT'; readonly data: readonly string[] }
    | { readonly type: 'A' | 'AAAA'; readonly data: string }
    /** Types that the name has, which says that it has no others; not read. */
    | { readonly type: 'NSEC'; readonly data: readonly RecordType[] }
  );
export type RecordType = 'PTR' | 'SRV' | 'TXT' | 'A' | 'AAAA';

export interface LanQuestion {
  readonly name: string;
  /** `ANY`, a RecordType, or one that no record here has. */
  readonly type: string;
}

export interface LanMessage {
  readonly isResponse: boolean;
  /** More known answers follow. */
  readonly isTruncated: boolean;
  readonly questions: readonly LanQuestion[];
  readonly answers: readonly LanRecord[];
  readonly authorities: readonly LanRecord[];
  readonly additionals: readonly LanRecord[];
}

export function query(parts: Partial<LanMessage>): LanMessage {
  return { ...nothing, ...parts };
}

export function response(parts: Partial<LanMessage>): LanMessage {
  return { ...nothing, ...parts, isResponse: true };
}

const nothing: LanMessage = {
  isResponse: false,
  isTruncated: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

/** Null for what is malformed or beyond the limits. Records of other types are left out. */
export function decodeMessage(bytes: Uint8Array): LanMessage | null {
  if (bytes.length < headerBytes || bytes.length > maxMessageBytes) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = buffer.readUInt16BE(2);
  const records = buffer.readUInt16BE(6) + buffer.readUInt16BE(8) + buffer.readUInt16BE(10);
  // Another opcode or an error is no message of the LAN.
  if ((flags & 0x780f) !== 0 || buffer.readUInt16BE(4) > maxQuestions || records > maxRecords) return null;
  try {
    const packet = decode(buffer);
    return {
      isResponse: packet.type === 'response',
      isTruncated: (flags & TRUNCATED_RESPONSE) !== 0,
      questions: (packet.questions ?? []).flatMap(({ name, type }) => {
        const known = nameIn(name);
        return known === null ? [] : [{ name: known, type }];
      }),
      answers: recordsIn(packet.answers),
      authorities: recordsIn(packet.authorities),
      additionals: recordsIn(packet.additionals),
    };
  } catch {
    return null;
  }
}

export function encodeMessage(message: LanMessage): Uint8Array {
  return encode({
    id: 0,
    type: message.isResponse ? 'response' : 'query',
    flags: (message.isResponse ? AUTHORITATIVE_ANSWER : 0) | (message.isTruncated ? TRUNCATED_RESPONSE : 0),
    questions: message.questions.map(({ name, type }) => ({ name, type: type as RecordType })),
    answers: message.answers.map(written),
    authorities: message.authorities.map(written),
    additionals: message.additionals.map(written),
  });
}

/** Whether both say the same; how long does not matter. */
export function isSameRecord(a: LanRecord, b: LanRecord): boolean {
  return a.name === b.name && a.type === b.type && JSON.stringify(a.data) === JSON.stringify(b.data);
}

function written(record: LanRecord): Answer {
  const { name, ttl, isUnique } = record;
  const shared = { name, ttl, class: 'IN', flush: isUnique } as const;
  switch (record.type) {
    case 'SRV':
      return { ...shared, type: 'SRV', data: { ...record.data, priority: 0, weight: 0 } };
    case 'TXT':
      return { ...shared, type: 'TXT', data: [...record.data] };
    case 'NSEC':
      return { ...shared, type: 'NSEC', data: { nextDomain: name, rrtypes: [...record.data] } };
    default:
      return { ...shared, type: record.type, data: record.data };
  }
}

function recordsIn(answers: readonly unknown[] | undefined): readonly LanRecord[] {
  return (answers ?? []).flatMap((answer) => recordIn(answer as Unread) ?? []);
}

interface Unread {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly class?: unknown;
  readonly ttl?: unknown;
  readonly flush?: unknown;
  readonly data?: unknown;
}

function recordIn(answer: Unread): LanRecord | null {
  const name = nameIn(answer.name);
  const { ttl, data, type } = answer;
  if (name === null || answer.class !== 'IN' || typeof ttl !== 'number') return null;
  // RFC 2181, 8: the highest bit means none.
  const named = { name, ttl: ttl > maxTtlSeconds ? 0 : ttl, isUnique: answer.flush === true };
  switch (type) {
    case 'PTR': {
      const target = nameIn(data);
      return target === null ? null : { ...named, type, data: target };
    }
    case 'SRV': {
      const { port, target: text } = data as { readonly port?: unknown; readonly target?: unknown };
      const target = nameIn(text);
      if (target === null || typeof port !== 'number') return null;
      return { ...named, type, data: { port, target } };
    }
    case 'TXT':
      return { ...named, type, data: textsIn(data) };
    case 'A':
      return typeof data === 'string' && isIPv4(data) ? { ...named, type, data } : null;
    case 'AAAA':
      return typeof data === 'string' && isIPv6(data) ? { ...named, type, data } : null;
    default:
      return null;
  }
}

function nameIn(value: unknown): string | null {
  return typeof value === 'string' && value.length <= maxNameCharacters ? value.toLowerCase() : null;
}

function textsIn(data: unknown): readonly string[] {
  const strings: readonly unknown[] = Array.isArray(data) ? data : [data];
  return strings
    .slice(0, maxTextStrings)
    .flatMap((one) => (Buffer.isBuffer(one) ? [one.toString('utf8')] : typeof one === 'string' ? [one] : []));
}
