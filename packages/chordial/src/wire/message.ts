/**
 * Messages between peers: each kind is declared once, with the schemas of question and answer, and handled by whatever is
 * registered for it. The transport defines the sender and the streams of bytes.
 */
import type { Schema } from './schema.ts';
import { TransportError, type Wire } from './transport-error.ts';

interface Asked<To, Options> {
  request(to: To, kind: string, body: Wire, options: Options): Promise<Wire>;
}

export class Message<Question, Answer> {
  readonly kind: string;
  readonly question: Schema<Question>;
  /** Decoded with the question as context, which gives the number of entries and the set of keys. */
  readonly answer: Schema<Answer, Question>;

  constructor(kind: string, question: Schema<Question>, answer: Schema<Answer, Question>) {
    this.kind = kind;
    this.question = question;
    this.answer = answer;
  }

  encode(question: Question): Wire {
    return this.question.encode(question, undefined);
  }

  decode(wire: Wire): Question {
    return this.question.decode(wire, undefined);
  }

  /** Encoding does not depend on the question. */
  encodeAnswer(answer: Answer): Wire {
    return this.answer.encode(answer, undefined as Question);
  }

  decodeAnswer(wire: Wire, question: Question): Answer {
    return this.answer.decode(wire, question);
  }

  /** Rejects with a TransportError without an answer, or with one that does not match the question. */
  async ask<To, Options>(transport: Asked<To, Options>, to: To, question: Question, options: Options): Promise<Answer> {
    return this.decodeAnswer(await transport.request(to, this.kind, this.encode(question), options), question);
  }
}

interface Incoming<Payload> {
  readonly header: Wire;
  readonly payload: Payload;
}

interface Outgoing {
  readonly header: Wire;
  readonly payload?: AsyncIterable<Uint8Array>;
}

/** Takes an undecoded message. */
type RequestHandler<From> = (from: From, body: Wire) => Promise<Wire>;
type StreamHandler<From, Payload> = (from: From, incoming: Incoming<Payload>) => Promise<Outgoing>;

/** Handlers by kind; other kinds are refused. */
export class Registry<From, Payload> {
  readonly #requests = new Map<string, RequestHandler<From>>();
  readonly #streams = new Map<string, StreamHandler<From, Payload>>();
  readonly #refused = new Map<string, TransportError>();

  /** Registers the handler of a small question. */
  on<Question, Answer>(
    message: Message<Question, Answer>,
    answer: (question: Question, from: From) => Answer | Promise<Answer>,
  ): this {
    return this.onKind(message.kind, async (from, body) =>
      message.encodeAnswer(await answer(message.decode(body), from)),
    );
  }

  /** Registers the handler of a question that comes or is answered with a stream of bytes. */
  onStream<Question, Answer>(
    message: Message<Question, Answer>,
    answer: (
      question: Question,
      from: From,
      payload: Payload,
    ) => Promise<{ readonly answer: Answer; readonly payload?: AsyncIterable<Uint8Array> }>,
  ): this {
    this.#streams.set(message.kind, async (from, incoming) => {
      const { answer: given, ...rest } = await answer(message.decode(incoming.header), from, incoming.payload);
      return { header: message.encodeAnswer(given), ...rest };
    });
    return this;
  }

  /** Registers a handler that decodes the question itself. */
  onKind(kind: string, answer: RequestHandler<From>): this {
    this.#requests.set(kind, answer);
    return this;
  }

  /** Refuses these kinds with this text until `accept`: this peer is no longer a member. */
  refuse(kinds: readonly string[], text: string): void {
    for (const kind of kinds) this.#refused.set(kind, new TransportError('refused', text, 'not-a-member'));
  }

  accept(kinds: readonly string[]): void {
    for (const kind of kinds) this.#refused.delete(kind);
  }

  request(from: From, kind: string, body: Wire): Promise<Wire> {
    const answer = this.#requests.get(kind);
    return answer === undefined || this.#refused.has(kind) ? Promise.reject(this.#refusal(kind)) : answer(from, body);
  }

  stream(from: From, kind: string, incoming: Incoming<Payload>): Promise<Outgoing> {
    const answer = this.#streams.get(kind);
    const isRefused = answer === undefined || this.#refused.has(kind);
    return isRefused ? Promise.reject(this.#refusal(kind)) : answer(from, incoming);
  }

  #refusal(kind: string): TransportError {
    const unknown = `There is no message ${JSON.stringify(kind.slice(0, 80))}.`;
    return this.#refused.get(kind) ?? new TransportError('refused', unknown, 'bad-request');
  }
}
