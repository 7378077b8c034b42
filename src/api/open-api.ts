/** The OpenAPI document, written from the very schemas that check the requests. */
import type { FastifyInstance, RouteOptions } from 'fastify';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
}

interface RouteSchema {
  readonly summary?: string;
  readonly description?: string;
  readonly params?: ObjectSchema;
  readonly querystring?: ObjectSchema;
  readonly headers?: ObjectSchema;
  readonly body?: unknown;
  readonly response?: Readonly<Record<string, unknown>>;
  /** Media type of bodies that are streams and therefore have no schema. */
  readonly consumes?: readonly string[];
  readonly produces?: readonly string[];
  readonly hide?: boolean;
}

/** `summary`, `consumes` … are ours; Fastify knows only the parts that validate. */
declare module 'fastify' {
  interface FastifySchema {
    summary?: string;
    description?: string;
    consumes?: readonly string[];
    produces?: readonly string[];
    hide?: boolean;
  }
}

type Operation = Readonly<Record<string, unknown>>;

const problemSchema = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'detail', 'code'],
};

/** Must be called before the routes are declared; the function given back writes the document. */
export function collectOpenApi(app: FastifyInstance, version: string): () => unknown {
  const paths = new Map<string, Record<string, Operation>>();
  app.addHook('onRoute', (route) => {
    const schema = (route.schema ?? {}) as RouteSchema;
    if (schema.hide === true) return;
    const path = route.url.replace(/:(\w+)/g, '{$1}');
    const operations = paths.get(path) ?? {};
    for (const method of methodsOf(route)) operations[method.toLowerCase()] = operationOf(schema);
    paths.set(path, operations);
  });
  return () => ({
    openapi: '3.1.0',
    info: { title: 'Chordial peer', version, description: 'What is put can be read by every member of the network.' },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    components: { schemas: { Problem: problemSchema } },
  });
}

function methodsOf(route: RouteOptions): readonly string[] {
  return Array.isArray(route.method) ? route.method : [route.method];
}

function operationOf(schema: RouteSchema): Operation {
  const parameters = [
    ...parametersOf('path', schema.params),
    ...parametersOf('query', schema.querystring),
    ...parametersOf('header', schema.headers),
  ];
  return {
    ...(schema.summary === undefined ? {} : { summary: schema.summary }),
    ...(schema.description === undefined ? {} : { description: schema.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBodyOf(schema),
    responses: { ...responsesOf(schema), default: problemResponse },
  };
}

const problemResponse = {
  description: 'A failure; `code` is stable',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function parametersOf(place: 'path' | 'query' | 'header', schema: ObjectSchema | undefined): readonly unknown[] {
  return Object.entries(schema?.properties ?? {}).map(([name, { description, ...of }]) => ({
    name,
    in: place,
    required: place === 'path' || (schema?.required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema: of,
  }));
}

function requestBodyOf(schema: RouteSchema): Operation {
  if (schema.consumes !== undefined) {
    return { requestBody: { required: true, content: Object.fromEntries(schema.consumes.map((type) => [type, {}])) } };
  }
  if (schema.body === undefined) return {};
  return { requestBody: { required: true, content: { 'application/json': { schema: schema.body } } } };
}

function responsesOf(schema: RouteSchema): Operation {
  const json = Object.entries(schema.response ?? {}).map(([status, of]) => [
    status,
    { description: status === '204' ? 'Done' : 'The answer', content: { 'application/json': { schema: of } } },
  ]);
  if (schema.produces === undefined)
    return Object.fromEntries(json.length > 0 ? json : [['204', { description: 'Done' }]]);
  const streamed = { description: 'The bytes', content: Object.fromEntries(schema.produces.map((type) => [type, {}])) };
  return { 200: streamed, ...Object.fromEntries(json) };
}
