import { ChordialError, type ErrorCode } from '../../src/errors.ts';

/** For assert.rejects and assert.throws: a ChordialError of this code, whose message matches when a pattern is given. */
export function isError(code: ErrorCode, message?: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof ChordialError && error.code === code && (message === undefined || message.test(error.message));
}
