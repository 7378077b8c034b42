/** Real peers and receivers that are no members: codes while the sender is dead, interrupted receives, wrong words. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { NodeStatus } from '../../src/client/answers.ts';
import { until } from '../fixtures/until.ts';
import { launcher } from './command.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

const operationsFile = path.resolve(import.meta.dirname, '../../src/client/operations.ts');
const big = randomBytes(12_000_000);
/** A receive has noted at least these. */
const notedBytes = 4 * 1024 * 1024;
/** After so many bytes of an answer the way to the door stalls. */
const passed = 9_000_000;

interface Sent {
  readonly code: string;
  readonly door: string | null;
  readonly guardians: number;
  readonly link: { readonly url: string | null };
}

let network: NetworkFixture;
let first: PeerProcess;
let second: PeerProcess;
let sender: PeerProcess;
let door: string;
let way: Way;

before(async () => {
  network = await NetworkFixture.open();
  first = await network.start({ flags: ['--door', '127.0.0.1:0'] });
  second = await network.start({ join: first });
  sender = await network.start({ join: first });
  door = new URL((await first.json<NodeStatus>('/api/v1/node')).door!.url).host;
  way = await Way.open(door);
  await until('one ring', () => network.isIdeal([first, second, sender]), 60_000);
});
after(async () => {
  await way?.close();
  await network?.[Symbol.asyncDispose]();
});

/** A way to the door that notes what passes, stalls and breaks. */
class Way {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly seen: Buffer[] = [];
  /** What the receiver sent of it. */
  readonly asked: Buffer[] = [];
  /** Bytes of answers that still pass. */
  left = Number.POSITIVE_INFINITY;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(to: string): Promise<Way> {
    const server = createServer();
    const way = new Way(server);
    server.on('connection', (socket) => way.#lead(socket, Number(to.split(':')[1])));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #lead(socket: Socket, port: number): void {
    const onward = connect(port, '127.0.0.1');
    for (const end of [socket, onward]) {
      this.#sockets.add(end);
      end
        .on('error', () => undefined)
        .on('close', () => {
          socket.destroy();
          onward.destroy();
        });
    }
    socket.on('data', (bytes) => {
      this.seen.push(bytes);
      this.asked.push(bytes);
      onward.write(bytes);
    });
    onward.on('data', (bytes) => {
      if (this.seen.length < 2000) this.seen.push(bytes);
      this.left -= bytes.length;
      socket.write(bytes);
      if (this.left < 0) onward.pause();
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function send(name: string, content: Uint8Array, flags: readonly string[] = []): Promise<Sent> {
  const file = path.join(network.folder, name);
  await writeFile(file, content);
  const sent = await network.command(['send', file, '--json', ...flags], sender);
  assert.equal(sent.exit, 0, sent.stderr);
  return sent.json<Sent>();
}

/** As a user without any peer, in a folder of its own. */
async function receive(into: string, args: readonly string[]) {
  const folder = path.join(network.folder, into);
  await mkdir(folder, { recursive: true });
  const result = await network.command(['receive', ...args, '--json'], undefined, { folder });
  return { ...result, folder };
}

/** Killed once it has noted what it has; the names that it leaves. */
async function killedIn(into: string, code: string): Promise<readonly string[]> {
  const folder = path.join(network.folder, into);
  await mkdir(folder, { recursive: true });
  const child = spawn(launcher, ['receive', code], { cwd: folder, env: await network.environment(), stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    await until('a part is noted', async () => {
      const note = (await readdir(folder)).find((name) => name.endsWith('.receive'));
      if (note === undefined) return false;
      assert.equal((await stat(path.join(folder, note))).mode & 0o777, 0o600);
      return JSON.parse(await readFile(path.join(folder, note), 'utf8')).done >= notedBytes;
    });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  return (await readdir(folder)).filter((name) => !name.endsWith('.new'));
}

test('B13 a code is received by who is no member while the sender is dead, killed in between, and the door learns neither words nor name', async () => {
  const sent = await send('secret plan.bin', big);
  // The code is out: the sender may go.
  await sender.kill9();
  assert.match(sent.code, /^\d{1,3}(-[a-z]{3,8}){3}$/);
  assert.equal(sent.guardians, 3);
  way.left = passed;
  const at = `${sent.code.toUpperCase().replaceAll('-', ' ')}@${way.address}`;
  const left = await killedIn('out', at);
  assert.deepEqual(left.map((name) => path.extname(name)).sort(), ['.part', '.receive']);
  way.left = Number.POSITIVE_INFINITY;
  const whole = await receive('out', [at]);
  assert.equal(whole.exit, 0, whole.stderr);
  assert.ok(whole.json<{ resumedAt: number }>().resumedAt >= notedBytes);
  assert.deepEqual(await readdir(whole.folder), ['secret plan.bin']);
  assert.ok((await readFile(path.join(whole.folder, 'secret plan.bin'))).equals(big));
  const words = sent.code.split('-').slice(1);
  const seen = Buffer.concat(way.seen).toString('latin1').toLowerCase();
  for (const text of [words.join('-'), words.join(' '), words.slice(0, 2).join('-'), 'secret', 'plan.bin'])
    assert.ok(!seen.includes(text), text);
  // Short words occur by chance in what is encrypted, some as names of fields.
  const asked = Buffer.concat(way.asked).toString('latin1').toLowerCase();
  const protocol = (await readFile(operationsFile, 'utf8')).toLowerCase();
  const telling = words.filter((word) => word.length > 4 && !protocol.includes(word));
  for (const word of telling) assert.ok(!asked.includes(word), word);
  const again = await receive('out', [at]);
  assert.equal(again.exit, 1);
  assert.match(again.stderr, /is there with other bytes and was kept/);
  sender = await network.restart(sender, { join: first });
});

test('B13 five wrong words end a code at every member and door, four do not; what is unknown is said in the same sentence', async () => {
  await until('one ring', () => network.isIdeal([first, second, sender]), 60_000);
  const { code } = await send('note.txt', Buffer.from('hello'));
  const [number] = code.split('-');
  const wrong = `${number}-zoo-zoo-zoo`;
  for (let count = 0; count < 4; count++) {
    const args = count % 2 === 0 ? [`${wrong}@${door}`] : [wrong, '--api', second.apiUrl];
    const tried = await receive('wrong', args);
    assert.equal(tried.exit, 1, tried.stderr);
    assert.match(tried.stderr, /wrong-code.*after five wrong tries it ends/);
  }
  const right = await receive('right', [code, '--api', second.apiUrl]);
  assert.equal(right.exit, 0, right.stderr);
  assert.equal(await readFile(path.join(right.folder, 'note.txt'), 'utf8'), 'hello');
  await receive('wrong', [wrong, '--api', second.apiUrl]);
  const sentences = new Set<string>();
  for (const args of [[`${code}@${door}`], [code, '--api', sender.apiUrl], [`999-zoo-zoo-zoo@${door}`]]) {
    const ended = await receive('ended', args);
    assert.equal(ended.exit, 3, ended.stderr);
    // Before it stands where the code was looked for.
    sentences.add(ended.stderr.trim().split('\n').at(-1)!);
  }
  assert.equal(sentences.size, 1, [...sentences].join('\n'));
  assert.match([...sentences][0]!, /There is no such code/);
});

test('B13 several files and a folder arrive as one ZIP, and a code can end with its first receive', async () => {
  const folder = path.join(network.folder, 'photos', 'beach');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'sea.txt'), 'blue');
  const file = path.join(network.folder, 'letter.txt');
  await writeFile(file, 'dear');
  const sent = await network.command(['send', path.dirname(folder), file, '--times', '1', '--json'], sender);
  assert.equal(sent.exit, 0, sent.stderr);
  const { code } = sent.json<Sent>();
  const received = await receive('zip', [`${code}@${door}`]);
  assert.equal(received.exit, 0, received.stderr);
  const zip = await readFile(path.join(received.folder, 'photos and more.zip'));
  for (const part of ['photos/beach/sea.txt', 'blue', 'letter.txt', 'dear']) assert.ok(zip.includes(part), part);
  assert.equal((await receive('zip2', [`${code}@${door}`])).exit, 3);
  const bad = await receive('bad', ['7-ambr-falcon-river']);
  assert.equal(bad.exit, 2);
  assert.match(bad.stderr, /is no word of a code/);
  const nowhere = await receive('bad', [`${code}@127.0.0.1:9`]);
  assert.equal(nowhere.exit, 1);
  assert.match(nowhere.stderr, /No door answers at/);
});
