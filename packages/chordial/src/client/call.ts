/** Where an operation of the API is found, given its parameters; for the page and for programs alike. */
import type { OperationName, PartOf } from './operations.ts';

/** Path, query and body as the operation takes them; nothing where it takes none. */
export type Given<N extends OperationName> = Present<'path', PartOf<N, 'params'>> &
  Present<'query', PartOf<N, 'querystring'>> &
  Present<'body', PartOf<N, 'body'>>;

type Present<K extends string, T> = T extends undefined
  ? { readonly [P in K]?: undefined }
  : Record<string, never> extends T
    ? { readonly [P in K]?: T }
    : { readonly [P in K]: T };

/** A call that takes nothing needs no second argument. */
export type GivenArguments<N extends OperationName> =
  Record<string, never> extends Given<N> ? [given?: Given<N>] : [given: Given<N>];

export interface Call {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly route: string;
  readonly body: unknown;
}

interface AnyGiven {
  readonly path?: Readonly<Record<string, unknown>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly body?: unknown;
}

export function callOf<N extends OperationName>(operation: N, ...given: GivenArguments<N>): Call {
  // The union of what all operations take is too large for the compiler to look at.
  const { path = {}, query = {}, body } = ((given as readonly unknown[])[0] ?? {}) as AnyGiven;
  const [method = '', template = ''] = operation.split(' ');
  const place = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const asked = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)]);
  const text = new URLSearchParams(asked).toString();
  return { method, route: text === '' ? place : `${place}?${text}`, body };
}
