import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameWriter } from './frame-writer.ts';

/** A stream whose reader takes what was written when it is told to. */
function slowStream() {
  const written: { readonly bytes: Buffer; readonly taken: () => void }[] = [];
  const stream = {
    writable: true,
    write: (bytes: Buffer, taken: () => void) => {
      written.push({ bytes, taken });
      return true;
    },
  };
  return { stream: stream as unknown as ConstructorParameters<typeof FrameWriter>[0], written };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const short = (name: string) => Buffer.from(name);
const long = (name: string) => Buffer.alloc(300 * 1024, name);

function writerTo(stream: ConstructorParameters<typeof FrameWriter>[0], inOrder = false) {
  const left: number[] = [];
  const stalled = () => assert.fail('no one waited for long');
  return { left, writer: new FrameWriter(stream, { inOrder, left: (bytes) => left.push(bytes), stalled }) };
}

test('what is pushed in one turn leaves in one write, and its bytes wait until they are taken', async () => {
  const { stream, written } = slowStream();
  const { left, writer } = writerTo(stream);
  writer.push(short('a'));
  await Promise.resolve().then(() => writer.push(short('b')));
  await turn();
  assert.deepEqual(
    written.map(({ bytes }) => String(bytes)),
    ['ab'],
  );
  assert.equal(writer.unsentBytes, 2);
  written[0]?.taken();
  assert.deepEqual([writer.unsentBytes, left], [0, [2]]);
  writer.close();
});

test('short frames pass long ones that wait', async () => {
  const { stream, written } = slowStream();
  const { writer } = writerTo(stream);
  for (const name of ['1', '2', '3']) writer.push(long(name));
  await turn();
  writer.push(short('short'));
  await turn();
  for (let place = 0; place < 4; place++) written[place]?.taken();
  assert.deepEqual(
    written.map(({ bytes }) => bytes.toString('latin1', 0, 1)),
    ['1', 's', '2', '3'],
  );
  assert.equal(writer.unsentBytes, 0);
  writer.close();
});

test('where order counts long frames are passed by none', async () => {
  const { stream, written } = slowStream();
  const { writer } = writerTo(stream, true);
  for (const frame of [long('1'), short('a'), long('2'), short('b')]) writer.push(frame);
  await turn();
  assert.equal(written.map(({ bytes }) => bytes.toString('latin1', 0, 1)).join(''), '1a2b');
  writer.close();
});

test('closing gives back what was not taken, once', async () => {
  const { stream, written } = slowStream();
  const { left, writer } = writerTo(stream);
  writer.push(short('abc'));
  writer.push(long('1'));
  await turn();
  writer.push(long('2'));
  writer.close();
  for (const { taken } of written) taken();
  writer.close();
  assert.equal(
    left.reduce((sum, bytes) => sum + bytes, 0),
    3 + 2 * long('1').length,
  );
});
