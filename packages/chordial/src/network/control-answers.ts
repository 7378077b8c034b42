/** The answering side of a control stream: each request is processed independently and answered when done. */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Contact } from '@chordial/ring';
import type { ShareOfRoom } from './byte-room.ts';
import { kindPattern } from './connection-limits.ts';
import { BadFrame, decodeQuestion, encodeAnswer, type FrameSink } from './control-frames.ts';
import type { CounterName } from './counters.ts';
import { FrameIntake } from './frame-intake.ts';
import { FrameWriter } from './frame-writer.ts';
import { nothingOfThatName, type RequestSlots, tooMany } from './request-slots.ts';
import { encodeRefusal } from './small-exchange.ts';
import type { Handlers, TransportError, Wire } from './transport.ts';
import { decodeBody, encodeBody } from './wire-body.ts';

export interface Asker {
  readonly contact: Contact;
  /** See `Handlers.request`. */
  readonly seenAt: string | null;
  readonly answering: RequestSlots;
  readonly handlers: Handlers;
  /** For a request that has not arrived completely. */
  readonly gathered: ShareOfRoom;
  /** For answers that were not read yet. */
  readonly unread: ShareOfRoom;
  heard(): void;
  count(name: CounterName): void;
}

/** Reserved before a request is processed; a larger answer may still find no room. */
const minAnswerBytes = 32 * 1024;
/** Kept free of answers, so that refusals can be sent to as many requests as may be made at once. */
const refusalsBytes = 96 * 1024;

export class ControlAnswers implements FrameSink {
  readonly #asker: Asker;
  readonly #stream: ServerHttp2Stream;
  readonly #intake: FrameIntake;
  readonly #writer: FrameWriter;
  #lastId = 0;

  constructor(stream: ServerHttp2Stream, asker: Asker) {
    this.#asker = asker;
    this.#stream = stream;
    this.#intake = new FrameIntake(this, (error) => {
      asker.count(error.counted);
      this.#end(constants.NGHTTP2_PROTOCOL_ERROR);
    });
    this.#writer = new FrameWriter(stream, {
      inOrder: false,
      left: (bytes) => asker.unread.give(bytes),
      stalled: () => this.#end(constants.NGHTTP2_CANCEL),
    });
    stream.on('data', (piece: Buffer) => {
      asker.heard();
      this.#intake.push(piece);
    });
    stream.once('end', () => this.#end(constants.NGHTTP2_NO_ERROR));
    stream.once('close', () => this.#close());
    stream.respond({ ':status': constants.HTTP_STATUS_OK });
  }

  take(id: number, rest: Buffer): void {
    if (this.#stream.closed || this.#stream.destroyed) return;
    const { kind, body } = decodeQuestion(rest);
    this.#checkId(id);
    const { answering, unread } = this.#asker;
    let wire: Wire;
    try {
      if (!kindPattern.test(kind)) throw nothingOfThatName();
      // A host that leaves this much unread gets no more answers.
      if (!unread.fits(minAnswerBytes + refusalsBytes)) throw tooMany();
      wire = decodeBody(body);
      answering.begin();
    } catch (error) {
      this.#refuse(id, answering.refusal(error, kind));
      return;
    }
    asked(this.#asker, kind, wire).then(
      (answer) => {
        answering.end();
        this.#answer(id, kind, answer);
      },
      (error) => {
        answering.end();
        this.#refuse(id, answering.refusalOfHandler(error, kind));
      },
    );
  }

  makeRoom(bytes: number): boolean {
    return this.#asker.gathered.take(bytes);
  }

  giveRoom(bytes: number): void {
    this.#asker.gathered.give(bytes);
  }

  missed(id: number): void {
    this.#checkId(id);
    this.#refuse(id, this.#asker.answering.refusal(tooMany(), 'a question'));
  }

  /** They increase, so that none is in use twice. */
  #checkId(id: number): void {
    if (id <= this.#lastId) throw new BadFrame(`Question ${id} was asked before.`);
    this.#lastId = id;
  }

  #answer(id: number, kind: string, answer: Wire): void {
    if (this.#stream.closed || this.#stream.destroyed) return;
    try {
      const frame = encodeAnswer(id, constants.HTTP_STATUS_OK, encodeBody(answer));
      if (!this.#asker.unread.fits(frame.length + refusalsBytes)) throw tooMany();
      this.#asker.unread.take(frame.length);
      this.#writer.push(frame);
    } catch (error) {
      this.#refuse(id, this.#asker.answering.refusal(error, kind));
    }
  }

  #refuse(id: number, refusal: TransportError | null): void {
    if (refusal === null || this.#stream.closed || this.#stream.destroyed) return;
    const frame = encodeAnswer(id, ...encodeRefusal(refusal));
    if (this.#asker.unread.take(frame.length)) {
      this.#writer.push(frame);
      return;
    }
    // Not even refusals are read.
    this.#asker.count('busy');
    this.#end(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #end(code: number): void {
    this.#intake.close();
    this.#stream.close(code);
  }

  #close(): void {
    this.#intake.close();
    this.#writer.close();
  }
}

/** A synchronous error of a handler is treated like a later one. */
function asked({ handlers, contact, seenAt }: Asker, kind: string, body: Wire): Promise<Wire> {
  try {
    return handlers.request(contact, kind, body, seenAt);
  } catch (error) {
    return Promise.reject(error);
  }
}
