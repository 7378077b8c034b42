import { ChordialError, type ErrorCode } from '../../src/errors.ts';

/** For assert.rejects and assert.throws: a ChordialError with this code and, optionally, a message that matches the pattern. */
export function isError(code: ErrorCode, message?: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ChordialError && error.code === code && (message === undefined || message.test(error.message));
}
