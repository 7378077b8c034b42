/**
 * Schemas of messages. A schema gives the type of a message, its encoding as DAG-CBOR, its decoding with bounds, and its
 * form in docs/wire-format.md. Schemas are built once, at load time. Decoding checks the length of a list before its
 * entries; what breaks a bound is refused (`Malformed`) with its path.
 *
 * A context is what decoding depends on, such as the question of an answer.
 */
import type { CID } from 'multiformats/cid';
import { decodeCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import { Malformed, type Wire } from './transport-error.ts';

export interface Schema<Value, Context = unknown> {
  readonly encode: (value: Value, context: Context) => Wire;
  /** Throws `Malformed`. */
  readonly decode: (wire: Wire, context: Context) => Value;
  /** Its form in docs/wire-format.md; undefined: the name of its field, followed by `afterName`. */
  readonly text?: string | undefined;
  readonly afterName?: string | undefined;
}

interface AnySchema {
  readonly encode: (value: never, context: never) => Wire;
  readonly decode: (wire: Wire, context: never) => unknown;
  readonly text?: string | undefined;
  readonly afterName?: string | undefined;
}

export type Fields = Readonly<Record<string, AnySchema>>;
export type ValueOf<S> = S extends { readonly decode: (wire: Wire, context: never) => infer Value } ? Value : never;
export type ValuesOf<F extends Fields> = { readonly [Name in keyof F]: ValueOf<F[Name]> };
type ContextOf<S> = S extends { readonly decode: (wire: Wire, context: infer Context) => unknown } ? Context : never;
/** The intersection of the contexts. */
type ContextsOf<F extends Fields> = { [Name in keyof F]: (context: ContextOf<F[Name]>) => void }[keyof F] extends (
  context: infer Context,
) => void
  ? Context
  : never;

/** Encodes without context. */
export function encodeAs<Value>(schema: Schema<Value>, value: Value): Wire {
  return schema.encode(value, undefined);
}

/** Decodes without context. */
export function decodeAs<Value>(schema: Schema<Value>, wire: Wire): Value {
  return schema.decode(wire, undefined);
}

const asItIs = (value: Wire): Wire => value;

export const bool: Schema<boolean> = {
  encode: asItIs,
  decode: (wire) => {
    if (typeof wire === 'boolean') return wire;
    throw new Malformed('is neither true nor false');
  },
};

/** A whole number from `min` to `max`. */
export function int(min: number, max: number): Schema<number> {
  return { encode: asItIs, decode: (wire) => readInt(wire, min, max) };
}

/** A count, size or time: a safe integer that is not negative. */
export const uint = int(0, Number.MAX_SAFE_INTEGER);

function readInt(wire: Wire, min: number, max: number): number {
  if (typeof wire === 'number' && Number.isSafeInteger(wire) && wire >= min && wire <= max) return wire;
  throw new Malformed(`is not a whole number from ${min} to ${max}`);
}

export function bytes(length: number): Schema<Uint8Array> {
  return { encode: asItIs, decode: (wire) => readBytes(wire, length) };
}

/** Exported for schemas written by hand: see `Schema.decode`. */
export function readBytes(wire: Wire, length: number): Uint8Array {
  if (wire instanceof Uint8Array && wire.length === length) return wire;
  throw new Malformed(`is not ${length} bytes`);
}

export function bytesUpTo(max: number, min = 0): Schema<Uint8Array> {
  return {
    encode: asItIs,
    decode: (wire) => {
      if (wire instanceof Uint8Array && wire.length >= min && wire.length <= max) return wire;
      throw new Malformed(`is not ${min === 0 ? 'of at most' : `of ${min} to`} ${max} bytes`);
    },
  };
}

/** Hexadecimal digits in memory, bytes of one of these lengths on the wire. */
export function hex(...lengths: readonly [number, ...number[]]): Schema<string> {
  return {
    encode: (value) => Buffer.from(value, 'hex'),
    decode: (wire) => {
      if (wire instanceof Uint8Array && lengths.includes(wire.length))
        return Buffer.from(wire.buffer, wire.byteOffset, wire.length).toString('hex');
      throw new Malformed(`is not ${lengths.join(' or ')} bytes`);
    },
  };
}

/** At most `max` characters. */
export function text(max: number): Schema<string> {
  return {
    encode: asItIs,
    decode: (wire) => {
      if (typeof wire === 'string' && wire.length <= max) return wire;
      throw new Malformed(`is not text of at most ${max} characters`);
    },
  };
}

/** Text that passes a test, such as an id. */
export function textThat<Value extends string>(is: (wire: unknown) => wire is Value, complaint: string): Schema<Value> {
  return {
    encode: asItIs,
    decode: (wire) => {
      if (is(wire)) return wire;
      throw new Malformed(complaint);
    },
  };
}

/** One of these texts. */
export function oneOf<Value extends string>(values: readonly Value[]): Schema<Value> {
  return textThat((wire): wire is Value => values.includes(wire as Value), `is none of ${values.join(', ')}`);
}

/** One of these texts in memory, its index on the wire. Append only. */
export function numbered<Value extends string>(values: readonly Value[]): Schema<Value> {
  return {
    encode: (value) => values.indexOf(value),
    decode: (wire) => values[readInt(wire, 0, values.length - 1)] as Value,
  };
}

export function nullable<Value, Context>(schema: Schema<Value, Context>): Schema<Value | null, Context> {
  return {
    text: schema.text === undefined ? undefined : `${schema.text} or null`,
    afterName: ' or null',
    encode: (value, context) => (value === null ? null : schema.encode(value, context)),
    decode: (wire, context) => (wire === null ? null : schema.decode(wire, context)),
  };
}

/** A field of a map that is omitted when it has the default value. */
export function optional<Value, Context>(schema: Schema<Value, Context>, usual: Value): Schema<Value, Context> {
  return {
    text: schema.text,
    afterName: '?',
    encode: (value, context) => (value === usual ? undefined : schema.encode(value, context)),
    decode: (wire, context) => (wire === undefined ? usual : schema.decode(wire, context)),
  };
}

/** From `min` to `max` entries. */
export function list<Value, Context>(
  entry: Schema<Value, Context>,
  max: number,
  min = 0,
): Schema<readonly Value[], Context> {
  return {
    text: entry.text === undefined ? undefined : `[${entry.text}, …]`,
    encode: (values, context) => values.map((value) => entry.encode(value, context)),
    decode: (wire, context) => readEach(entry, readList(wire, min, max), context),
  };
}

/** A list with one entry per item of the question. */
export function listFor<Value, Context, Asked>(
  entry: Schema<Value, Context>,
  count: (asked: Asked) => number,
): Schema<readonly Value[], Context & Asked> {
  return {
    text: entry.text === undefined ? undefined : `[${entry.text}, …]`,
    encode: (values, context) => values.map((value) => entry.encode(value, context)),
    decode: (wire, context) => {
      const length = count(context);
      return readEach(entry, readList(wire, length, length), context);
    },
  };
}

/** Exported for schemas written by hand. */
export function readList(wire: Wire, min: number, max: number): readonly Wire[] {
  if (!Array.isArray(wire)) throw new Malformed('is not a list');
  if (wire.length < min || wire.length > max)
    throw new Malformed(`has ${wire.length} entries, not ${min === max ? '' : `${min} to `}${max}`);
  return wire;
}

function readEach<Value, Context>(
  entry: Schema<Value, Context>,
  wires: readonly Wire[],
  context: Context,
): readonly Value[] {
  const { decode } = entry;
  const values: Value[] = [];
  let at = 0;
  try {
    for (; at < wires.length; at++) values.push(decode(wires[at], context));
  } catch (error) {
    throw placed(error, `[${at}]`);
  }
  return values;
}

/** An object in memory, on the wire a list of its fields in this order. */
export function tuple<F extends Fields>(fields: F): Schema<ValuesOf<F>, ContextsOf<F>> {
  const reader = fieldReader(fields);
  const { names, encoders } = reader;
  return {
    text: `[${textOf(fields)}]`,
    encode: (value, context) => {
      const wires = new Array<Wire>(names.length);
      for (let at = 0; at < names.length; at++)
        wires[at] = encoders[at]!((value as Record<string, unknown>)[names[at]!], context);
      return wires;
    },
    decode: (wire, context) => readFields(reader, readList(wire, names.length, names.length), context) as ValuesOf<F>,
  };
}

/** An object in memory and a map of the same fields on the wire; unknown fields are ignored. */
export function map<F extends Fields>(fields: F): Schema<ValuesOf<F>, ContextsOf<F>> {
  const reader = fieldReader(fields);
  const { names, encoders } = reader;
  return {
    text: `{${textOf(fields)}}`,
    encode: (value, context) => {
      const wire: Record<string, Wire> = {};
      for (const [at, name] of names.entries()) {
        const part = encoders[at]!((value as Record<string, unknown>)[name], context);
        if (part !== undefined) wire[name] = part;
      }
      return wire;
    },
    decode: (wire, context) => {
      if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) throw new Malformed('is not a map');
      const parts = names.map((name) => (Object.hasOwn(wire, name) ? (wire as Record<string, Wire>)[name] : undefined));
      return readFields(reader, parts, context) as ValuesOf<F>;
    },
  };
}

interface FieldReader {
  readonly names: readonly string[];
  readonly encoders: readonly Schema<unknown>['encode'][];
  readonly decoders: readonly Schema<unknown>['decode'][];
}

function fieldReader(fields: Fields): FieldReader {
  const names = Object.keys(fields);
  const schemas = Object.values(fields) as Schema<unknown>[];
  return {
    names,
    encoders: schemas.map(({ encode }) => encode),
    decoders: schemas.map(({ decode }) => decode),
  };
}

function readFields({ names, decoders }: FieldReader, wires: readonly Wire[], context: unknown): unknown {
  const value: Record<string, unknown> = {};
  let at = 0;
  try {
    for (; at < names.length; at++) value[names[at]!] = decoders[at]!(wires[at], context);
  } catch (error) {
    throw placed(error, names[at]!);
  }
  return value;
}

export function placed(error: unknown, step: string): unknown {
  return error instanceof Malformed ? error.inside(step) : error;
}

function textOf(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, { text, afterName = '' }]) =>
      text === undefined || text === name + afterName ? name + afterName : `${name}: ${text}`,
    )
    .join(', ');
}

/** An object with one field in memory, on the wire the field alone. */
export function bare<Name extends string, Value, Context>(
  name: Name,
  schema: Schema<Value, Context>,
): Schema<{ readonly [N in Name]: Value }, Context> {
  return {
    text: schema.text ?? name,
    encode: (value, context) => schema.encode(value[name], context),
    decode: (wire, context) => ({ [name]: schema.decode(wire, context) }) as { readonly [N in Name]: Value },
  };
}

/** Shown by this name in docs/wire-format.md, which defines it elsewhere. */
export function named<Value, Context>(name: string, schema: Schema<Value, Context>): Schema<Value, Context> {
  return { ...schema, text: name };
}

/** Refuses values with a complaint, such as `is not sorted`. */
export function refine<Value, Context, More = unknown>(
  schema: Schema<Value, Context>,
  complaintOf: (value: Value, context: More) => string | null,
): Schema<Value, Context & More> {
  return {
    ...schema,
    decode: (wire, context) => {
      const value = schema.decode(wire, context);
      const complaint = complaintOf(value, context);
      if (complaint !== null) throw new Malformed(complaint);
      return value;
    },
  };
}

/** Converts between two forms. `from` may throw `Malformed`, or a ChordialError, which counts as malformed too. */
export function convert<Inner, Value, Context>(
  schema: Schema<Inner, Context>,
  to: (value: Value) => Inner,
  from: (inner: Inner, context: Context) => Value,
): Schema<Value, Context> {
  return {
    text: schema.text,
    afterName: schema.afterName,
    encode: (value, context) => schema.encode(to(value), context),
    decode: (wire, context) => {
      const inner = schema.decode(wire, context);
      try {
        return from(inner, context);
      } catch (error) {
        // Its message may quote bytes of the sender.
        if (error instanceof ChordialError) throw new Malformed('cannot be read');
        throw error;
      }
    },
  };
}

/** A SHA-256 CID has 36 bytes; the rest is room for short identity CIDs. */
const maxCidBytes = 64;

export function cidUpTo(max: number): Schema<CID> {
  return convert(bytesUpTo(max), ({ bytes }) => bytes, decodeCid);
}

export const cid = cidUpTo(maxCidBytes);

const maxNameCharacters = 255;

/** In NFC, as `checkName` returns it. */
export const fileName: Schema<string> = refine(text(maxNameCharacters), (name) => {
  try {
    return checkName(name) === name ? null : 'is not in NFC';
  } catch (error) {
    if (error instanceof ChordialError) return 'is no name';
    throw error;
  }
});

/** A name that `checkName` normalizes to NFC. */
export const nameToNormalize: Schema<string> = convert(text(maxNameCharacters), (name: string) => name, checkName);
