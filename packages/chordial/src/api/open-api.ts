/** The OpenAPI document, generated from the schemas that validate requests. */
import type { FastifyInstance, RouteOptions } from 'fastify';
import { answers } from '../client/answers.ts';
import { errorKinds } from '../errors.ts';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
}

/** What the document contains beyond the schemas that Fastify checks. */
interface Told {
  summary?: string;
  /** Media types of bodies that are streams and therefore have no schema. */
  consumes?: readonly string[];
  produces?: readonly string[];
  /** Supports ranges and conditional requests. */
  isContent?: boolean;
  /** Success statuses without a body; 204 unless given. */
  empty?: readonly number[];
  /** Headers read by the handler, with a description; those beginning with "Required" are required. */
  reads?: Readonly<Record<string, string>>;
  hide?: boolean;
}

interface RouteSchema extends Readonly<Told> {
  readonly params?: ObjectSchema;
  readonly querystring?: ObjectSchema;
  readonly body?: unknown;
  readonly response?: Readonly<Record<string, unknown>>;
}

declare module 'fastify' {
  interface FastifySchema extends Told {}
}

type Operation = Readonly<Record<string, unknown>>;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
  readonly [more: string]: unknown;
}

const problemSchema = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { enum: Object.keys(errorKinds), description: 'Stable; docs/errors.md says what each means' },
    choices: {
      type: 'array',
      description: 'Of ambiguous-name and publisher-changed: whose file may be meant; ask again with ?publisher=',
      items: {
        type: 'object',
        properties: {
          publisher: { type: 'string' },
          publisherName: { type: 'string' },
          time: { type: 'string' },
          size: { type: 'integer' },
          type: { enum: ['file', 'directory'] },
          cid: { type: 'string' },
        },
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code'],
};

/** Named schemas are emitted once and referenced. */
const named = new Map<unknown, string>(
  Object.entries(answers).map(([name, schema]) => [schema, name.charAt(0).toUpperCase() + name.slice(1)]),
);

/** Must be called before the routes are declared; the returned function writes the document. */
export function collectOpenApi(app: FastifyInstance, version: string): () => OpenApiDocument {
  const paths = new Map<string, Record<string, Operation>>();
  app.addHook('onRoute', (route) => {
    const schema = (route.schema ?? {}) as RouteSchema;
    if (schema.hide === true) return;
    const path = route.url.replace(/:(\w+)/g, '{$1}');
    const operations = paths.get(path) ?? {};
    for (const method of methodsOf(route)) operations[method.toLowerCase()] = operationOf(method, path, schema);
    paths.set(path, operations);
  });
  return () => ({
    openapi: '3.1.0',
    info: { title: 'Chordial peer', version, description: 'What is put can be read by every member of the network.' },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    security: [{ token: [] }],
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'For all but probes, the proof and the session; a browser has a cookie instead',
        },
      },
      schemas: {
        Problem: problemSchema,
        ...Object.fromEntries([...named].map(([schema, name]) => [name, withNames(schema, schema)])),
      },
    },
  });
}

function methodsOf(route: RouteOptions): readonly string[] {
  return Array.isArray(route.method) ? route.method : [route.method];
}

function operationOf(method: string, path: string, schema: RouteSchema): Operation {
  const parameters = [
    ...parametersOf('path', schema.params),
    ...parametersOf('query', schema.querystring),
    ...headersOf(schema.reads ?? {}, schema.isContent === true),
  ];
  return {
    operationId: operationId(method, path),
    ...(schema.summary === undefined ? {} : { summary: schema.summary }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBodyOf(schema),
    responses: { ...responsesOf(schema, method === 'HEAD'), default: problemResponse },
  };
}

/** `GET /api/v1/files/{name}/stat` → `getFilesByNameStat`. */
function operationId(method: string, path: string): string {
  const words =
    path
      .replace(/^\/api\/v1/, '')
      .replace(/\{/g, 'by-')
      .match(/[A-Za-z]+/g) ?? [];
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

const problemResponse = {
  description: 'A failure; `code` is stable',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function parametersOf(place: 'path' | 'query', schema: ObjectSchema | undefined): readonly unknown[] {
  return Object.entries(schema?.properties ?? {}).map(([name, { description, ...of }]) => ({
    name,
    in: place,
    required: place === 'path' || (schema?.required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema: of,
  }));
}

const contentHeaders = {
  Range: 'One range of bytes; several are answered with the whole',
  'If-Range': 'The ETag of the part that is there: with another one the whole is sent',
  'If-None-Match': 'ETags of what is there already: 304 when it is one of them',
};

function headersOf(reads: Readonly<Record<string, string>>, isContent: boolean): readonly unknown[] {
  return Object.entries(isContent ? { ...reads, ...contentHeaders } : reads).map(([name, description]) => ({
    name,
    in: 'header',
    required: description.startsWith('Required'),
    description,
    schema: { type: 'string' },
  }));
}

function requestBodyOf(schema: RouteSchema): Operation {
  if (schema.consumes !== undefined) {
    return { requestBody: { required: true, content: Object.fromEntries(schema.consumes.map((type) => [type, {}])) } };
  }
  if (schema.body === undefined) return {};
  const { type } = schema.body as { readonly type?: unknown };
  const required = !(Array.isArray(type) && type.includes('null'));
  return { requestBody: { required, content: { 'application/json': { schema: withNames(schema.body) } } } };
}

function responsesOf(schema: RouteSchema, isHead: boolean): Operation {
  const { response = {}, produces = [], isContent = false } = schema;
  const found: Record<string, Operation> = {};
  for (const [status, of] of Object.entries(response)) {
    found[status] = { description: 'The answer', content: { 'application/json': { schema: withNames(of) } } };
  }
  if (produces.length > 0) {
    const streams = Object.fromEntries(produces.map((type) => [type, {}]));
    const json = found['200']?.['content'] as Operation | undefined;
    found['200'] = { description: 'The bytes', content: { ...streams, ...json } };
  }
  if (isContent) {
    found['204'] = { description: 'Larger than `most`: only the headers tell of it' };
    const parts = produces.filter((type) => type !== 'application/json');
    const content = Object.fromEntries(parts.map((type) => [type, {}]));
    found['206'] = { description: 'The part asked for', content };
    found['304'] = { description: 'What is there already is still right' };
  }
  const isSilent = Object.keys(found).length === 0;
  for (const status of schema.empty ?? (isSilent ? [204] : [])) found[String(status)] = { description: 'Done' };
  if (!isHead) return found;
  return Object.fromEntries(Object.entries(found).map(([status, { description }]) => [status, { description }]));
}

/** The schema with references in place of named ones below it. */
function withNames(schema: unknown, except?: unknown): unknown {
  const name = schema === except ? undefined : named.get(schema);
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  if (Array.isArray(schema)) return schema.map((one) => withNames(one));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNames(value)]));
}
