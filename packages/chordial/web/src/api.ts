/** Calls to the peer that served this page. Errors carry the text of its problem+json. */
import { callOf, type GivenArguments } from '../../src/client/call.ts';
import type { AnswerOf, OperationName } from '../../src/client/operations.ts';
import { signedOut } from './session.ts';
import { text } from './strings/text.ts';

export class ApiFailure extends Error {
  readonly code: string;
  readonly status: number;

  /** What the peer says of it, in English, where the message is the page's; null where that is all, or nothing. */
  readonly detail: string | null;

  constructor(status: number, code: string, message: string, detail: string | null = null) {
    super(message);
    this.detail = detail;
    this.status = status;
    this.code = code;
  }
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
}

/** An operation of the API, typed from its document. */
export function call<N extends OperationName>(operation: N, ...given: GivenArguments<N>): Promise<AnswerOf<N>> {
  return callUntil(new AbortController().signal, operation, ...given);
}

/** The same, cancelled by the signal. */
export function callUntil<N extends OperationName>(
  signal: AbortSignal,
  operation: N,
  ...given: GivenArguments<N>
): Promise<AnswerOf<N>> {
  const { method, route, body } = callOf(operation, ...given);
  return send<AnswerOf<N>>(method, route, body, signal);
}

/** `body` is sent as JSON. Resolves with the response's JSON, or null without a body. */
export async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      ...(signal === undefined ? {} : { signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiFailure(0, 'no-answer', text.frame.noAnswer);
  }
  if (response.status === 401) signedOut();
  if (!response.ok) throw await failureOf(response);
  const json = await response.text();
  return (json === '' ? null : JSON.parse(json)) as T;
}

async function failureOf(response: Response): Promise<ApiFailure> {
  let problem: ProblemBody = {};
  try {
    problem = (await response.json()) as ProblemBody;
  } catch {
    // Without a problem document only the status is known.
  }
  const { code = 'unknown', detail } = problem;
  if (detail === undefined) return new ApiFailure(response.status, code, text.frame.answered(response.status));
  const { message, more } = errorWords(code, detail);
  return new ApiFailure(response.status, code, message, more);
}

/** An error in the language of the page, with what the peer says in English beside it; where that says all, alone. */
export function errorWords(code: string | undefined, detail: string) {
  const message = text.errors[code ?? ''];
  return message === undefined ? { message: detail, more: null } : { message, more: detail };
}

export function contentPath(cid: string): string {
  return `/api/v1/content/${encodeURIComponent(cid)}`;
}
