/**
 * Schemas of messages. One says at once what the type of a message is, how it becomes a value of DAG-CBOR, how such a value
 * from a stranger is read, within which bounds, and how docs/wire-format.md writes it. Schemas are made once, when their file
 * is loaded. Reading checks the length of a list before its entries; what breaks a bound is refused (`Malformed`) with the
 * place where it is.
 *
 * A context is what a value cannot be read without, such as the question that an answer belongs to.
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
  /** How it is written in docs/wire-format.md; undefined: by the name of its field, and what follows that. */
  readonly text?: string | undefined;
  readonly afterName?: string | undefined;
}

interface AnySchema {
  readonly encode: (value: never, context: never) => Wire;
  readonly decode: (wire: Wire, context: never) => unknown;
  readonly text?: string | undefined;
  readonly afterName?: string | undefined;
}

type Fields = Readonly<Record<string, AnySchema>>;
export type ValueOf<S> = S extends { readonly decode: (wire: Wire, context: never) => infer Value } ? Value : never;
type ValuesOf<F extends Fields> = { readonly [Name in keyof F]: ValueOf<F[Name]> };
type ContextOf<S> = S extends { readonly decode: (wire: Wire, context: infer Context) => unknown } ? Context : never;
/** What all of them need together. */
type ContextsOf<F extends Fields> = { [Name in keyof F]: (context: ContextOf<F[Name]>) => void }[keyof F] extends (
  context: infer Context,
) => void
  ? Context
  : never;

/** The wire form of a value that needs no context. */
export function encodeAs<Value>(schema: Schema<Value>, value: Value): Wire {
  return schema.encode(value, undefined);
}

/** Reads a value that needs no context. */
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

/** A whole number of at least `least` and at most `most`. */
export function int(least: number, most: number): Schema<number> {
  return { encode: asItIs, decode: (wire) => readInt(wire, least, most) };
}

/** A count, size or time: a whole number, not negative, that a double holds exactly. */
export const uint = int(0, Number.MAX_SAFE_INTEGER);

function readInt(wire: Wire, least: number, most: number): number {
  if (typeof wire === 'number' && Number.isSafeInteger(wire) && wire >= least && wire <= most) return wire;
  throw new Malformed(`is not a whole number from ${least} to ${most}`);
}

export function bytes(length: number): Schema<Uint8Array> {
  return { encode: asItIs, decode: (wire) => readBytes(wire, length) };
}

/** Exported for schemas written by hand: see `Schema.decode`. */
export function readBytes(wire: Wire, length: number): Uint8Array {
  if (wire instanceof Uint8Array && wire.length === length) return wire;
  throw new Malformed(`is not ${length} bytes`);
}

export function bytesUpTo(most: number, least = 0): Schema<Uint8Array> {
  return {
    encode: asItIs,
    decode: (wire) => {
      if (wire instanceof Uint8Array && wire.length >= least && wire.length <= most) return wire;
      throw new Malformed(`is not ${least === 0 ? 'of at most' : `of ${least} to`} ${most} bytes`);
    },
  };
}

/** Hexadecimal digits here, bytes on the wire, of one of these lengths. */
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

/** @param most characters. */
export function text(most: number): Schema<string> {
  return {
    encode: asItIs,
    decode: (wire) => {
      if (typeof wire === 'string' && wire.length <= most) return wire;
      throw new Malformed(`is not text of at most ${most} characters`);
    },
  };
}

/** Text that a test recognises, such as an id. */
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

/** One of these texts here, its position on the wire. Append only. */
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

/** Of a map, a field that is left out when it has the usual value. */
export function optional<Value, Context>(schema: Schema<Value, Context>, usual: Value): Schema<Value, Context> {
  return {
    text: schema.text,
    afterName: '?',
    encode: (value, context) => (value === usual ? undefined : schema.encode(value, context)),
    decode: (wire, context) => (wire === undefined ? usual : schema.decode(wire, context)),
  };
}

/** @param most entries. */
export function list<Value, Context>(
  entry: Schema<Value, Context>,
  most: number,
  least = 0,
): Schema<readonly Value[], Context> {
  return {
    text: entry.text === undefined ? undefined : `[${entry.text}, …]`,
    encode: (values, context) => values.map((value) => entry.encode(value, context)),
    decode: (wire, context) => readEach(entry, readList(wire, least, most), context),
  };
}

/** A list with an entry for each thing that was asked. */
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
export function readList(wire: Wire, least: number, most: number): readonly Wire[] {
  if (!Array.isArray(wire)) throw new Malformed('is not a list');
  if (wire.length < least || wire.length > most)
    throw new Malformed(`has ${wire.length} entries, not ${least === most ? '' : `${least} to `}${most}`);
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

/** An object here, on the wire a list of its fields in this order. */
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

/** An object here and a map of the same fields on the wire; further fields of a stranger's are not looked at. */
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

function placed(error: unknown, step: string): unknown {
  return error instanceof Malformed ? error.inside(step) : error;
}

function textOf(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, { text, afterName = '' }]) =>
      text === undefined || text === name + afterName ? name + afterName : `${name}: ${text}`,
    )
    .join(', ');
}

/** An object of one field here, on the wire the field by itself. */
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

/** Written by this name in docs/wire-format.md, which says elsewhere what it is. */
export function named<Value, Context>(name: string, schema: Schema<Value, Context>): Schema<Value, Context> {
  return { ...schema, text: name };
}

/** Refuses what the check complains of: `is not sorted`. */
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

/** Another form of the same value. `from` may throw `Malformed`, or a ChordialError, which is then a malformed message too. */
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
        // Its message may quote the stranger.
        if (error instanceof ChordialError) throw new Malformed('cannot be read');
        throw error;
      }
    },
  };
}

/** A SHA-256 CID has 36 bytes; the rest is room for short identity CIDs. */
const maxCidBytes = 64;

export function cidUpTo(most: number): Schema<CID> {
  return convert(bytesUpTo(most), ({ bytes }) => bytes, decodeCid);
}

export const cid = cidUpTo(maxCidBytes);

const maxNameCharacters = 255;

/** In NFC, as `checkName` gives it back. */
export const fileName: Schema<string> = refine(text(maxNameCharacters), (name) => {
  try {
    return checkName(name) === name ? null : 'is not in NFC';
  } catch (error) {
    if (error instanceof ChordialError) return 'is no name';
    throw error;
  }
});

/** A name that `checkName` puts into NFC. */
export const nameToNormalize: Schema<string> = convert(text(maxNameCharacters), (name: string) => name, checkName);
