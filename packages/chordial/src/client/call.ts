/** Builds the request of an API operation, for the page and for programs. */
import type { OperationName, PartOf } from './operations.ts';

/** Path, query and body of the operation, as far as it takes them. */
export type Given<N extends OperationName> = Present<'path', PartOf<N, 'params'>> &
  Present<'query', PartOf<N, 'querystring'>> &
  Present<'body', PartOf<N, 'body'>>;

type Present<K extends string, T> = T extends undefined
  ? { readonly [P in K]?: undefined }
  : Record<string, never> extends T
    ? { readonly [P in K]?: T }
    : { readonly [P in K]: T };

/** Operations without parameters need no second argument. */
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
  // The union of all operations' parameters is too large for the compiler.
  const { path = {}, query = {}, body } = ((given as readonly unknown[])[0] ?? {}) as AnyGiven;
  const [method = '', template = ''] = operation.split(' ');
  const place = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const parameters = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, string] => [name, String(value)]);
  const text = new URLSearchParams(parameters).toString();
  return { method, route: text === '' ? place : `${place}?${text}`, body };
}
