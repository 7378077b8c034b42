import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { smallBodyMilliseconds } from './connection-limits.ts';
import {
  BadFrame,
  ControlFrameReader,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  type FrameSink,
} from './control-frames.ts';
import { FrameIntake } from './frame-intake.ts';
import { maxBodyBytes } from './wire-body.ts';

interface Read {
  readonly frames: (readonly [id: number, rest: string])[];
  readonly missed: number[];
  readonly roomTaken: () => number;
  readonly reader: ControlFrameReader;
}

function reading(roomBytes = Number.POSITIVE_INFINITY): Read {
  const [frames, missed]: [[number, string][], number[]] = [[], []];
  let taken = 0;
  const sink: FrameSink = {
    take: (id, rest) => frames.push([id, rest.toString('hex')]),
    makeRoom: (bytes) => {
      if (taken + bytes > roomBytes) return false;
      taken += bytes;
      return true;
    },
    giveRoom: (bytes) => {
      taken -= bytes;
    },
    missed: (id) => missed.push(id),
  };
  return { frames, missed, roomTaken: () => taken, reader: new ControlFrameReader(sink) };
}

/** The same bytes, cut at these places. */
function* cut(bytes: Buffer, places: readonly number[]): Generator<Buffer> {
  const ends = [...new Set(places.map((place) => place % bytes.length)), bytes.length].sort((a, b) => a - b);
  let from = 0;
  for (const end of ends) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

const ids = fc.integer({ min: 1, max: 0xffffffff });
const kinds = fc.stringMatching(/^[A-Za-z][A-Za-z0-9/._-]{0,63}$/);
const bodies = fc.uint8Array({ maxLength: 300 });
const questions = fc.array(fc.record({ id: ids, kind: kinds, body: bodies }), { minLength: 1, maxLength: 10 });
const places = fc.array(fc.nat(), { maxLength: 40 });

test('whatever way questions are cut, the same ones arrive', () => {
  fc.assert(
    fc.property(questions, places, (asked, at) => {
      const arrived: unknown[] = [];
      const sink: FrameSink = {
        take: (id, rest) => arrived.push({ id, ...decodeQuestion(rest) }),
        makeRoom: () => true,
        giveRoom: () => {},
        missed: () => assert.fail('there is room'),
      };
      const reader = new ControlFrameReader(sink);
      const bytes = Buffer.concat(asked.map(({ id, kind, body }) => encodeQuestion(id, kind, body)));
      for (const piece of cut(bytes, at)) reader.push(piece);
      assert.deepEqual(
        arrived,
        asked.map(({ id, kind, body }) => ({ id, kind, body: Buffer.from(body) })),
      );
      assert.equal(reader.isAmidFrame, false);
      assert.equal(reader.framesRead, asked.length);
    }),
  );
});

test('what there is no room for is told and read past, and what follows arrives', () => {
  fc.assert(
    fc.property(questions, places, fc.integer({ min: 0, max: 400 }), (asked, at, roomBytes) => {
      const { reader, frames, missed, roomTaken } = reading(roomBytes);
      const bytes = Buffer.concat(asked.map(({ id, body }) => encodeAnswer(id, 200, body)));
      for (const piece of cut(bytes, at)) reader.push(piece);
      assert.equal(frames.length + missed.length, asked.length);
      const wanted = asked.filter(({ id }) => !missed.includes(id));
      for (const { id } of wanted) assert.ok(frames.some(([one]) => one === id));
      assert.equal(roomTaken(), 0);
      assert.equal(reader.isAmidFrame, false);
    }),
  );
});

test('bytes of all sorts either are frames or end it, and hold no more than was given room for', () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, (all) => {
      const { reader, roomTaken } = reading(1000);
      try {
        for (const piece of all) reader.push(Buffer.from(piece));
      } catch (error) {
        assert.ok(error instanceof BadFrame, String(error));
      }
      assert.ok(roomTaken() <= 1000);
      reader.close();
      assert.equal(roomTaken(), 0);
    }),
  );
});

test('a length that cannot be ends it as soon as it is known, before anything is held', () => {
  for (const [length, counted] of [
    [0, 'malformed'],
    [4, 'malformed'],
    [maxBodyBytes + 200, 'too-large'],
    [0xffffffff, 'too-large'],
  ] as const) {
    const { reader, roomTaken } = reading();
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    assert.throws(
      () => reader.push(head),
      (error: unknown) => error instanceof BadFrame && error.counted === counted,
      `${length}`,
    );
    assert.equal(roomTaken(), 0);
  }
});

test('the longest question there may be arrives, byte for byte', () => {
  const body = Buffer.alloc(maxBodyBytes, 7);
  const { reader, frames, roomTaken } = reading();
  const bytes = encodeQuestion(9, 'k'.repeat(64), body);
  reader.push(bytes.subarray(0, 20));
  assert.equal(roomTaken(), bytes.length - 4);
  reader.push(bytes.subarray(20));
  assert.equal(frames.length, 1);
  assert.equal(roomTaken(), 0);
});

test('kinds that are longer than their frame, or have no letters, are none', () => {
  for (const rest of [[], [0], [0, 1], [5, 97], [65, ...new Uint8Array(100)]]) {
    assert.throws(() => decodeQuestion(Buffer.from(rest)), BadFrame, `${rest}`);
  }
  assert.throws(() => decodeAnswer(Buffer.from([1])), BadFrame);
});

test('a frame that drips is given up, however often a byte of it comes', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const bad: string[] = [];
  const sink = { take: () => {}, makeRoom: () => true, giveRoom: () => {}, missed: () => {} };
  const intake = new FrameIntake(sink, (error) => bad.push(error.message));
  const frame = encodeAnswer(1, 200, new Uint8Array(1000));
  intake.push(frame);
  for (let at = 0; at < 100 && bad.length === 0; at++) {
    now += 1000;
    t.mock.timers.tick(1000);
    t.mock.timers.tick(1);
    assert.ok(now <= smallBodyMilliseconds + 2000, 'it should be over');
    intake.push(frame.subarray(at, at + 1));
  }
  assert.equal(bad.length, 1);
  assert.ok(now >= smallBodyMilliseconds);
});
