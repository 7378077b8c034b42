/** Routes of the operations that callers know by name: path, schemas and types come from their one declaration. */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteOptions } from 'fastify';
import { type AnswerOf, type OperationName, operations, type Schemas } from '../client/operations.ts';
import type { CheckedTypeOf } from '../client/schema.ts';

/** JSON that lists files by name or CID. */
export const maxListBytes = 2 * 1024 * 1024;

/** As the schemas of the operation let it through. */
export type Asked<N extends OperationName> = FastifyRequest<{
  Params: Checked<N, 'params'>;
  Querystring: Checked<N, 'querystring'>;
  Body: Checked<N, 'body'>;
}>;

type Checked<N extends OperationName, K extends string> =
  Schemas<N> extends { readonly [P in K]: infer S } ? CheckedTypeOf<S> : undefined;

type Options = Pick<RouteOptions, 'config' | 'exposeHeadRoute' | 'bodyLimit'>;
type Handler<N extends OperationName> = (
  request: Asked<N>,
  reply: FastifyReply,
) => Promise<AnswerOf<N> | FastifyReply | undefined>;

export function serve<N extends OperationName>(
  app: FastifyInstance,
  name: N,
  handler: Handler<N>,
  options: Options = {},
): void {
  const [method = '', path = ''] = name.split(' ');
  app.route({
    ...options,
    method,
    url: path.replace(/\{(\w+)\}/g, ':$1'),
    schema: operations[name] as FastifySchema,
    handler: (request, reply) => handler(request as Asked<N>, reply),
  });
}

/** An empty cursor is the first page. */
export function pageAfter(cursor: string | undefined): string | null {
  return cursor === undefined || cursor === '' ? null : cursor;
}
