/**
 * Compiles the schema of a route on its first request, and loads the compiler with the first of all: together a quarter
 * of a peer's start time, and most routes of most peers are never called.
 */
import { createRequire } from 'node:module';
import type { ValidatorFactory } from '@fastify/ajv-compiler';
import type { FastifySchemaCompiler, FastifyServerOptions } from 'fastify';

type Compile = FastifySchemaCompiler<unknown>;
type Validate = ReturnType<Compile>;
type BuildCompiler = (externalSchemas: unknown, options: FastifyServerOptions['ajv']) => Compile;

const require = createRequire(import.meta.url);

const build: BuildCompiler = (externalSchemas, options) => {
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
export const lazyValidators = build as unknown as ValidatorFactory;
