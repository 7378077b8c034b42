/** What both HTTP servers of a peer, the API and the door, are made of. */

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ValidatorFactory } from '@fastify/ajv-compiler';
import type { FastifyInstance, FastifySchemaCompiler, FastifyServerOptions } from 'fastify';
import { ChordialError } from '../errors.ts';
import { type Address, formatAddress } from '../network/addresses.ts';
import { problemOf, problemType } from './problem.ts';

/** Malformed HTTP never reaches a route. */
export function refuseNonsense(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(new ChordialError('bad-request', `This is not a request in HTTP/1.1 (${error.message}).`));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** `what`: as in "The API cannot listen"; `flag`: what chooses the place. */
export function listenFailure(
  error: NodeJS.ErrnoException,
  listen: Address,
  { what, flag }: { readonly what: string; readonly flag: string },
): ChordialError {
  const place = formatAddress(listen);
  if (error.code === 'EADDRINUSE') {
    return new ChordialError(
      'port-in-use',
      `${what} cannot listen at ${place}: another program has this port. Stop that one, or choose another with ${flag} HOST:PORT (port 0 takes any free one).`,
      { cause: error },
    );
  }
  if (error.code === 'EACCES') {
    return new ChordialError(
      'port-in-use',
      `${what} may not listen at ${place}: ports below 1024 need privileges. Choose another with ${flag} HOST:PORT.`,
      { cause: error },
    );
  }
  return new ChordialError(
    'bad-address',
    `${what} cannot listen at ${place} (${error.message}). Give an address of this machine with ${flag} HOST:PORT.`,
    { cause: error },
  );
}

type Compile = FastifySchemaCompiler<unknown>;
type Validate = ReturnType<Compile>;
type BuildCompiler = (externalSchemas: unknown, options: FastifyServerOptions['ajv']) => Compile;

const require = createRequire(import.meta.url);

/**
 * Compiles the schema of a route on its first request, and loads the compiler with the first of all: together a quarter
 * of a peer's start time, and most routes of most peers are never called.
 */
const lazyBuild: BuildCompiler = (externalSchemas, options) => {
  let compile: Compile | null = null;
  return (route) => {
    let compiled: Validate | null = null;
    const validate: Validate = (data: unknown) => {
      compile ??= (require('@fastify/ajv-compiler') as () => BuildCompiler)()(externalSchemas, options);
      compiled ??= compile(route);
      const isValid = compiled(data);
      // Fastify reads the errors from the function it was given.
      validate.errors = compiled.errors ?? null;
      return isValid;
    };
    return validate;
  };
};

/** Fastify's type; the compiler's types name its own options, which are passed through. */
export const lazyValidators = lazyBuild as unknown as ValidatorFactory;

/** Unknown fields are errors, not dropped; schemas are compiled when they are first used. */
export const validation = {
  ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: false } },
  schemaController: {
    compilersFactory: {
      buildValidator: lazyValidators,
      buildSerializer: () => () => (answer: unknown) => JSON.stringify(answer),
    },
  },
} satisfies FastifyServerOptions;
