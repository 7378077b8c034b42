import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { isError } from '../../test/contracts/errors.ts';
import { SmallPeer } from '../../test/fixtures/small-peer.ts';
import { until } from '../../test/fixtures/until.ts';
import { textOfCode } from '../codes/code.ts';
import { encodeTarget } from '../codes/code-target.ts';
import { parseCid } from '../content/cid.ts';
import { sealWhole } from '../content/sealed.ts';
import { newSeal } from '../content/sealed-header.ts';
import { type RunningDoor, startDoor } from '../door/door.ts';
import { services } from '../door/services.ts';
import type { LinkWish } from '../links/links.ts';
import { type Job, receive, wantedIn } from './receive.ts';

const day = 86_400_000;
/** Ends with a hole. */
const content = Buffer.concat([randomBytes(9_000_000), Buffer.alloc(3_000_000)]);
const recipient = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj';

/** A peer without a ring, its door, and a folder to receive into. */
class Doors implements AsyncDisposable {
  readonly peer: SmallPeer;
  readonly folder: string;
  readonly #open: (RunningDoor | Server)[] = [];
  url = '';

  private constructor(peer: SmallPeer, folder: string) {
    this.peer = peer;
    this.folder = folder;
  }

  static async open(): Promise<Doors> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'chordial-test-'));
    const doors = new Doors(await SmallPeer.open(folder), path.join(folder, 'into'));
    await mkdir(doors.folder);
    const listen = { host: '127.0.0.1', port: 0 };
    const door = await startDoor({ listen, services: [services.links], peer: () => doors.peer });
    doors.#open.push(door);
    doors.url = door.shown().url;
    return doors;
  }

  /** Another door, or what pretends to be one. */
  async also(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#open.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async link(name: string, more: Partial<LinkWish> = {}): Promise<string> {
    const { cid, size } = await this.peer.files.put(name, [content] as unknown as AsyncIterable<Uint8Array>);
    const wish = { type: 'file', name, cid: parseCid(cid), size, timeToLive: day, ...more } as const;
    return (await this.peer.links.createLink(wish)).path;
  }

  async sealed(name: string): Promise<string> {
    const seal = await newSeal({ recipients: [recipient] });
    const bytes = await sealWhole(content, seal);
    const { cid, size } = await this.peer.files.put(`sealed ${name}`, [bytes] as unknown as AsyncIterable<Uint8Array>);
    const sealed = { fileKey: seal.fileKey, size: content.length };
    const wish = { type: 'file', name, cid: parseCid(cid), size, timeToLive: day, sealed } as const;
    return (await this.peer.links.createLink(wish)).path;
  }

  async code(linked: string, doors: readonly string[] = [this.url]): Promise<string> {
    const target = encodeTarget({ path: linked, doors });
    return textOfCode(await this.peer.codes.make({ target, timeToLive: day, times: null }));
  }

  receive(what: string, more: Partial<Job> = {}, signal: AbortSignal = new AbortController().signal) {
    return receive(wantedIn(what), { output: this.folder, wait: '', patience: 300, yes: true, ...more }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open) {
      if ('closeAllConnections' in one) one.closeAllConnections();
      await one.close();
    }
    await rm(path.dirname(this.folder), { recursive: true });
  }
}

/** Passes on to the door, from a byte on changed or cut. */
function between(url: string, change: (bytes: Buffer, at: number) => Buffer | null): RequestListener {
  return async (request, reply) => {
    const body: Buffer[] = [];
    for await (const piece of request) body.push(piece as Buffer);
    const { method = 'GET', headers } = request;
    const sent = method === 'GET' ? {} : { body: Buffer.concat(body) };
    const { host: _host, connection: _connection, 'content-length': _length, ...kept } = headers;
    const answer = await fetch(url + request.url, { method, headers: kept as Record<string, string>, ...sent });
    const isBytes = answer.headers.get('content-type') === 'application/octet-stream';
    const bytes = Buffer.from(await answer.arrayBuffer());
    const from = Number(/^bytes (\d+)-/.exec(answer.headers.get('content-range') ?? '')?.[1] ?? 0);
    const given = isBytes ? change(bytes, from) : bytes;
    const told = Object.fromEntries(
      [...answer.headers].filter(([name]) => !/^(?:connection|transfer|keep)/.test(name)),
    );
    reply.writeHead(answer.status, told);
    if (given === null || given.length < bytes.length) reply.write(given ?? '', () => reply.destroy());
    else reply.end(given);
  };
}

test('B13 a code or a sealed link leads to the file, by the words alone; what is there stays, and no hidden file is made', async () => {
  await using doors = await Doors.open();
  const linked = await doors.sealed('.profile');
  const code = await doors.code(linked);
  const at = `${code.toUpperCase().replaceAll('-', '  ')}@${doors.url}`;
  const received = await doors.receive(at);
  assert.deepEqual([received.size, received.resumedAt, received.from], [content.length, 0, 'small']);
  assert.deepEqual(await readdir(doors.folder), ['_profile']);
  assert.ok((await readFile(received.path)).equals(content));
  await assert.rejects(doors.receive(at), isError('already-exists'));
  await writeFile(received.path, 'older');
  await doors.receive(`${doors.url}${linked}`, { force: true });
  assert.ok((await readFile(received.path)).equals(content));
  const named = await doors.receive(`${doors.url}${linked}`, { output: path.join(doors.folder, 'named') });
  assert.equal(path.basename(named.path), 'named');
  await assert.rejects(doors.receive(`${code.split('-')[0]}-zoo-zoo-zoo@${doors.url}`), isError('wrong-code'));
  await assert.rejects(doors.receive(`998-zoo-zoo-zoo@${doors.url}`), isError('not-found', /no such code/));
  await assert.rejects(doors.receive(`${code}@127.0.0.1:9`), isError('unreachable', /No door answers/));
  await assert.rejects(doors.receive(`${code}@a b`), isError('bad-usage', /is no door/));
});

test('B13 plain links are received as well; a URL without its key, with another, or of nothing is not', async () => {
  await using doors = await Doors.open();
  const plain = await doors.receive(doors.url + (await doors.link('plain.bin')));
  assert.ok((await readFile(plain.path)).equals(content));
  const linked = await doors.sealed('sealed.bin');
  const [bare, key = ''] = linked.split('#');
  await assert.rejects(doors.receive(doors.url + bare), isError('bad-usage', /its key is missing/));
  const other = `${key.startsWith('A') ? 'B' : 'A'}${key.slice(1)}`;
  await assert.rejects(doors.receive(`${doors.url}${bare}#${other}`), isError('bad-content', /another file/));
  await assert.rejects(doors.receive(`${doors.url}/s/aaaaaaaaaaaaaaaa`), isError('not-found', /There is no such link/));
  // A door that gives a plain file in place of the sealed one.
  const swapped = (await doors.link('swapped.bin')).split('/')[2];
  await assert.rejects(doors.receive(`${doors.url}/s/${swapped}#${key}`), isError('bad-content'));
  assert.deepEqual(await readdir(doors.folder), ['plain.bin']);
});

test('B13 a receive that is stopped goes on where it was, also when the code has ended meanwhile', async () => {
  await using doors = await Doors.open();
  const code = await doors.code(await doors.sealed('long.bin'), []);
  let isStalled = true;
  const slow = await doors.also((request, reply) =>
    between(doors.url, (bytes) => bytes)(
      request,
      new Proxy(reply, {
        get: (target, name) => {
          const value = Reflect.get(target, name);
          if (name !== 'end' || !isStalled) return typeof value === 'function' ? value.bind(target) : value;
          return (given?: Buffer) =>
            given !== undefined && given.length > 6_000_000
              ? target.write(given.subarray(0, 6_000_000))
              : target.end(given);
        },
      }),
    ),
  );
  const stopping = new AbortController();
  const stopped = doors.receive(`${code}@${slow}`, {}, stopping.signal);
  const noted = async () => {
    const note = (await readdir(doors.folder)).find((name) => name.endsWith('.receive'));
    return note !== undefined && JSON.parse(await readFile(path.join(doors.folder, note), 'utf8')).done > 0 && note;
  };
  const note = path.join(doors.folder, await until(noted));
  stopping.abort();
  await assert.rejects(stopped, isError('interrupted', /it goes on/));
  assert.equal((await stat(note)).mode & 0o777, 0o600);
  isStalled = false;
  // The code has ended meanwhile: the note knows where it led to.
  await doors.peer.codes.end(Number(code.split('-')[0]), []);
  const received = await doors.receive(`${code}@${slow}`);
  assert.ok(received.resumedAt >= 4 * 1024 * 1024);
  assert.ok((await readFile(received.path)).equals(content));
  assert.deepEqual(await readdir(doors.folder), ['long.bin']);
});

test('B13 bytes that were changed are refused, cut ones are fetched at another door, and nothing wrong is left', async () => {
  await using doors = await Doors.open();
  const linked = await doors.sealed('file.bin');
  const changed = await doors.also(
    between(doors.url, (bytes, at) => {
      const copy = Buffer.from(bytes);
      if (at + copy.length > 5_000_000 && at < 5_000_000) copy[5_000_000 - at]! ^= 1;
      return copy;
    }),
  );
  await assert.rejects(doors.receive(`${await doors.code(linked, [])}@${changed}`), isError('bad-content'));
  assert.deepEqual(await readdir(doors.folder), []);
  const cut = await doors.also(
    between(doors.url, (bytes, at) => (at > 3_000_000 ? null : bytes.subarray(0, 4_000_000))),
  );
  const received = await doors.receive(`${await doors.code(linked)}@${cut}`, { patience: 20_000 });
  assert.ok((await readFile(received.path)).equals(content));
  await rm(received.path);
  // No other door: it ends, keeps what it has, and says so.
  const alone = await doors.code(linked, []);
  await assert.rejects(doors.receive(`${alone}@${cut}`), isError('no-live-source', /it goes on/));
  assert.equal((await readdir(doors.folder)).length, 2);
});
