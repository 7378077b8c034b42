/** The asking side of a control stream: all requests to a host over one stream of its control connection, matched by id. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { maxRunningRequests, maxUnsentBytes } from './connection-limits.ts';
import { BadFrame, decodeAnswer, encodeQuestion, type FrameSink, maxId } from './control-frames.ts';
import type { CounterName } from './counters.ts';
import type { Wait } from './deadline.ts';
import { FrameIntake } from './frame-intake.ts';
import { FrameWriter } from './frame-writer.ts';
import { ConnectionLost, readRefusal } from './small-exchange.ts';
import { TransportError, type Wire } from './transport.ts';
import { decodeBody } from './wire-body.ts';

export const controlPath = '/control';

interface Question {
  readonly id: number;
  readonly frame: Buffer;
  readonly answered: (body: Wire) => void;
  readonly failed: (error: Error) => void;
}

interface Opened {
  readonly stream: ClientHttp2Stream;
  readonly writer: FrameWriter;
}

export class ControlChannel implements FrameSink {
  readonly #session: ClientHttp2Session;
  readonly #count: (name: CounterName) => void;
  readonly #spoke: () => void;
  /** By id: awaited ones. */
  readonly #awaited = new Map<number, Question>();
  /** Of them, those that the other side is not ready for. */
  readonly #unsent = new Set<Question>();
  readonly #intake: FrameIntake;
  #opened: Opened | null = null;
  #lastId = 0;
  /** Sent and not answered, awaited or not. */
  #running = 0;
  #isRetired = false;
  #brokenBy: string | null = null;

  /** `spoke` is called for every answer, late ones too. */
  constructor(session: ClientHttp2Session, count: (name: CounterName) => void, spoke: () => void) {
    this.#session = session;
    this.#count = count;
    this.#spoke = spoke;
    this.#intake = new FrameIntake(this, (error) => {
      count(error.counted);
      this.#break(error.message);
    });
  }

  /**
   * Resolves with the answer. Rejects with ConnectionLost, or with the TransportError of a refusal. After `wait`, an
   * unsent request is dropped, and the answer to a sent one is read, counted and discarded.
   */
  ask(kind: string, body: Uint8Array, wait: Wait): Promise<Wire> {
    return new Promise((answered, failed) => {
      const { closed, destroyed } = this.#session;
      if (closed || destroyed || this.#brokenBy !== null)
        return failed(new ConnectionLost('The connection is closing.'));
      this.#lastId += 1;
      const id = this.#lastId;
      const question = { id, frame: encodeQuestion(id, kind, body), answered, failed };
      this.#awaited.set(id, question);
      wait.ended = () => {
        this.#awaited.delete(id);
        this.#unsent.delete(question);
        failed(new TransportError('aborted', 'The answer is no longer awaited.'));
        this.#endIfRetired();
      };
      this.#opened ??= this.#open();
      this.#unsent.add(question);
      this.#send(this.#opened);
      // The next one uses another connection.
      if (id === maxId) this.retire();
    });
  }

  /** Accepts no more requests, and closes the connection when those in flight are answered. */
  retire(): void {
    this.#isRetired = true;
    this.#session.close();
    this.#endIfRetired();
  }

  take(id: number, rest: Buffer): void {
    const { status, body } = decodeAnswer(rest);
    if (id === 0 || id > this.#lastId) throw new BadFrame('An answer to nothing that was asked.');
    this.#running = Math.max(0, this.#running - 1);
    this.#spoke();
    const question = this.#awaited.get(id);
    if (question === undefined) {
      this.#count('late-answer');
      return;
    }
    this.#awaited.delete(id);
    this.#unsent.delete(question);
    try {
      if (status !== constants.HTTP_STATUS_OK) throw readRefusal(status, body);
      question.answered(decodeBody(body));
    } catch (error) {
      question.failed(error as Error);
    }
  }

  /** A host can make us hold one answer of at most 1 MiB. */
  makeRoom(): boolean {
    return true;
  }

  giveRoom(): void {}

  missed(): void {}

  #open(): Opened {
    const stream = this.#session.request({ ':method': 'POST', ':path': controlPath }, { endStream: false });
    let reason = 'the stream was reset';
    stream.on('error', (error) => {
      reason = error.message;
    });
    stream.on('response', (headers) => {
      if (headers[':status'] !== constants.HTTP_STATUS_OK) this.#break(`status ${headers[':status']}`);
    });
    stream.on('data', (piece: Buffer) => this.#read(piece));
    stream.on('end', () => this.#break('the other side ended it'));
    stream.on('close', () => this.#lost(reason));
    const writer = new FrameWriter(stream, {
      // Ids increase.
      inOrder: true,
      left: () => this.#opened !== null && this.#send(this.#opened),
      stalled: () => this.#break('the other side reads nothing'),
    });
    return { stream, writer };
  }

  #send({ writer }: Opened): void {
    for (const question of this.#unsent) {
      if (this.#running >= maxRunningRequests || writer.unsentBytes >= maxUnsentBytes) return;
      this.#unsent.delete(question);
      this.#running += 1;
      writer.push(question.frame);
    }
  }

  #read(piece: Buffer): void {
    this.#intake.push(piece);
    if (this.#opened !== null) this.#send(this.#opened);
    this.#endIfRetired();
  }

  #endIfRetired(): void {
    if (this.#isRetired && this.#awaited.size === 0) this.#break('the connection is closing');
  }

  /** The next request uses a new connection. */
  #break(why: string): void {
    this.#brokenBy ??= why;
    this.#session.close();
    if (this.#opened !== null) this.#opened.stream.close(constants.NGHTTP2_CANCEL);
  }

  #lost(reason: string): void {
    this.#brokenBy ??= reason;
    this.#opened?.writer.close();
    this.#intake.close();
    this.#unsent.clear();
    const lost = [...this.#awaited.values()];
    this.#awaited.clear();
    for (const { failed } of lost) failed(new ConnectionLost(`The answer was interrupted: ${this.#brokenBy}.`));
    this.#session.close();
  }
}
