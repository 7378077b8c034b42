/**
 * The schema of a route is compiled when its first request comes, and the compiler loaded with the first of all: together
 * they are a quarter of the time that a peer needs to start, and most routes of most peers are never asked.
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
      // Fastify reads the errors off the function that it was given.
      validate.errors = compiled.errors ?? null;
      return isValid;
    };
    return validate;
  };
};

/** As Fastify takes it; the types of the compiler name its own options, which are passed on unread. */
export const lazyValidators = build as unknown as ValidatorFactory;
