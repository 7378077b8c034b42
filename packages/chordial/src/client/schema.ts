/** JSON schemas as plain values and the types derived from them: one declaration for validation and types. */

export const text = { type: 'string' } as const;
export const whole = { type: 'integer' } as const;
export const textOrNull = { type: ['string', 'null'] } as const;
export const wholeOrNull = { type: ['integer', 'null'] } as const;

type Properties = Readonly<Record<string, unknown>>;

/** Every field required: responses omit nothing. */
export function record<const P extends Properties>(properties: P) {
  return { type: 'object', properties, required: Object.keys(properties) as readonly (keyof P)[] } as const;
}

/** Parameters of a request: unknown ones are errors. */
export function fields<const P extends Properties, const R extends readonly (keyof P)[] = readonly []>(
  properties: P,
  required: R = [] as unknown as R,
) {
  return { type: 'object', properties, required, additionalProperties: false } as const;
}

export function list<const T>(items: T) {
  return { type: 'array', items } as const;
}

/** The schema or null. A copy, so that it is inlined and has no name. */
export function orNull<const P extends { readonly type: 'object' }>(schema: P) {
  return { ...schema, type: ['object', 'null'] } as const;
}

/** The type of values that satisfy the schema; covers the part of JSON Schema that this API uses. */
export type TypeOf<S> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : S extends { readonly type: readonly (infer Kind)[] }
    ? TypeOfKind<Kind, S>
    : S extends { readonly type: infer Kind }
      ? TypeOfKind<Kind, S>
      : unknown;

type TypeOfKind<Kind, S> = Kind extends 'object'
  ? TypeOfObject<S>
  : Kind extends 'array'
    ? S extends { readonly items: infer Item }
      ? readonly TypeOf<Item>[]
      : readonly unknown[]
    : Kind extends keyof Plain
      ? Plain[Kind]
      : never;

interface Plain {
  readonly string: string;
  readonly integer: number;
  readonly number: number;
  readonly boolean: boolean;
  readonly null: null;
}

type TypeOfObject<S> = S extends { readonly properties: infer P }
  ? Flat<
      { readonly [K in RequiredIn<S> & keyof P]: TypeOf<P[K]> } & {
        readonly [K in Exclude<keyof P, RequiredIn<S>>]?: TypeOf<P[K]>;
      }
    >
  : S extends { readonly additionalProperties: infer Value }
    ? Readonly<Record<string, TypeOf<Value>>>
    : Readonly<Record<string, unknown>>;

type RequiredIn<S> = S extends { readonly required: readonly (infer K)[] } ? K : never;

/** The type after validation: fields with a default are always present. */
export type CheckedTypeOf<S> = S extends { readonly properties: infer P }
  ? TypeOf<S> & { readonly [K in WithDefault<P>]: TypeOf<P[K]> }
  : TypeOf<S>;

type WithDefault<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];

type Flat<T> = { [K in keyof T]: T[K] };
