/** Previews of hostile contents: what they are is told by their bytes, and nothing that a browser runs is sent as such. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServedPeer } from '../../test/fixtures/served-peer.ts';
import type { Preview } from '../client/answers.ts';
import { maxShownPixels } from '../http/content-kinds.ts';
import { previewTextBytes } from './preview-routes.ts';

const latin = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A PNG of this size by its header; its pixels are missing. */
function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(25);
  header.writeUInt32BE(13);
  header.write('IHDR', 4);
  header.writeUInt32BE(width, 8);
  header.writeUInt32BE(height, 12);
  return Uint8Array.from(Buffer.concat([latin('\x89PNG\r\n\x1a\n'), header]));
}

class Previews {
  readonly served: ServedPeer;

  constructor(served: ServedPeer) {
    this.served = served;
  }

  async put(name: string, body: string | Uint8Array<ArrayBuffer>): Promise<string> {
    return ((await (await this.served.put(name, body)).json()) as { cid: string }).cid;
  }

  async seen(cid: string): Promise<Preview> {
    const answer = await this.served.fetch(`/api/v1/previews/${cid}`);
    assert.equal(answer.status, 200);
    return (await answer.json()) as Preview;
  }

  bytes(cid: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.served.fetch(`/api/v1/previews/${cid}/bytes?filename=${encodeURIComponent('a "name".html')}`, {
      headers,
    });
  }
}

test('HTML, SVG, XML and script are text under any name, and their bytes are not served', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  for (const [name, source] of [
    ['photo.jpg', '<!doctype html><script>alert(1)</script>'],
    ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'],
    ['sheet.xml', '<?xml version="1.0"?><?xml-stylesheet href="data:text/xsl,"?><a/>'],
    ['song.mp3', 'fetch("/api/v1/node/leave")'],
    ['read me.md', '# Hello\n<img src=x onerror=alert(1)>'],
  ] as const) {
    const cid = await previews.put(name, source);
    const seen = await previews.seen(cid);
    assert.deepEqual([seen.shown, seen.contentType, seen.text, seen.isCut], ['text', null, source, false], name);
    const answer = await previews.bytes(cid);
    assert.equal(answer.status, 404, name);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
  }
});

test('what is an image to its first bytes and a script to others is an image that nothing runs', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  const cid = await previews.put('both.js', latin('GIF89a/*\x01\x00\x01\x00*/=1;alert(1)//'));
  assert.equal((await previews.seen(cid)).shown, 'image');
  const answer = await previews.bytes(cid);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'image/gif');
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(answer.headers.get('content-security-policy'), "default-src 'none'; sandbox");
  assert.equal(answer.headers.get('cross-origin-resource-policy'), 'same-origin');
  assert.match(answer.headers.get('content-disposition') ?? '', /^attachment; filename="a _name_\.html"/);
});

test('an image that takes gigabytes when it is decoded is not shown', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  const side = Math.sqrt(maxShownPixels);
  const fits = await previews.seen(await previews.put('fits.png', png(side, side)));
  assert.deepEqual([fits.shown, fits.width, fits.height], ['image', side, side]);
  for (const [name, body, why] of [
    ['bomb.png', png(side, side + 1), 'too-many-pixels'],
    ['wide.png', png(0xffff_ffff, 0xffff_ffff), 'too-many-pixels'],
    ['none.png', png(0, 7), 'unknown-kind'],
    ['cut.png', png(1, 1).slice(0, 20), 'unknown-kind'],
    ['bomb.gif', latin('GIF89a\xff\xff\xff\xff'), 'too-many-pixels'],
    ['bomb.jpg', latin('\xff\xd8\xff\xe0\0\x04..\xff\xc2\0\x0b\x08\xff\xff\xff\xff\x01'), 'too-many-pixels'],
    ['no frame.jpg', latin(`\xff\xd8\xff${'\xff'.repeat(300_000)}`), 'unknown-kind'],
    ['bomb.webp', latin('RIFF....WEBPVP8X\x0a\0\0\0....\xff\xff\x3f\xff\xff\x3f'), 'too-many-pixels'],
  ] as const) {
    const cid = await previews.put(name, body);
    const seen = await previews.seen(cid);
    assert.deepEqual([seen.shown, seen.why], [null, why], name);
    assert.equal((await previews.bytes(cid)).status, 404, name);
  }
});

test('a text is shown up to a limit, and nothing of what is empty, binary or a folder', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  const long = await previews.seen(await previews.put('long', 'é'.repeat(previewTextBytes)));
  assert.equal(long.isCut, true);
  assert.equal(Buffer.byteLength(long.text ?? ''), previewTextBytes);
  assert.equal((await previews.seen(await previews.put('empty', ''))).why, 'empty');
  assert.equal((await previews.seen(await previews.put('a.jpg', latin('\0\x01\x02')))).why, 'unknown-kind');
  served.peer.addFolder('folder', 'bafkreieq5jui4j25lacwomsqgjeswwl3y5zcdrresptwgmfylxo2depppq', []);
  const folder = await previews.seen('bafkreieq5jui4j25lacwomsqgjeswwl3y5zcdrresptwgmfylxo2depppq');
  assert.deepEqual([folder.type, folder.shown, folder.why], ['directory', null, 'folder']);
  const absent = await served.fetch('/api/v1/previews/bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy');
  assert.equal(absent.status, 404);
  assert.equal((await served.fetch('/api/v1/previews/no-cid')).status, 400);
});

test('what no peer has now is a problem that may be tried again, and no folder is listed that is none', async () => {
  await using served = await ServedPeer.open();
  const cid = await new Previews(served).put('a.gif', latin('GIF89a\x01\0\x01\0'));
  served.peer.hasNoSource = true;
  for (const route of [`/api/v1/previews/${cid}`, `/api/v1/previews/${cid}/bytes`])
    assert.equal(((await (await served.fetch(route)).json()) as { code: string }).code, 'no-live-source');
  served.peer.hasNoSource = false;
  assert.equal((await served.fetch(`/api/v1/previews/${cid}/bytes`)).status, 200);
  assert.equal((await served.fetch('/api/v1/content/no-cid/entries')).status, 400);
  assert.equal((await served.fetch(`/api/v1/content/${cid}/entries?page=0`)).status, 400);
});

test('ranges seek in audio and video; wrong ones are refused', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  const wave = latin(`RIFF....WAVEfmt ${'x'.repeat(100)}`);
  const cid = await previews.put('a.wav', wave);
  const part = await previews.bytes(cid, { Range: 'bytes=8-11' });
  assert.deepEqual(
    [part.status, part.headers.get('content-range'), await part.text()],
    [206, 'bytes 8-11/116', 'WAVE'],
  );
  assert.equal(part.headers.get('content-type'), 'audio/wav');
  const past = await previews.bytes(cid, { Range: 'bytes=116-' });
  assert.deepEqual([past.status, past.headers.get('content-range')], [416, 'bytes */116']);
  for (const range of ['bytes=5-2', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=1-2'])
    assert.equal((await previews.bytes(cid, { Range: range })).status, 200, range);
});

test('a PDF is inline in a frame of the page alone, and always in a sandbox', async () => {
  await using served = await ServedPeer.open();
  const previews = new Previews(served);
  const cid = await previews.put(
    'a.txt',
    '%PDF-1.4\n1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>',
  );
  assert.equal((await previews.seen(cid)).shown, 'pdf');
  for (const [dest, kind] of [
    ['iframe', 'inline'],
    ['document', 'attachment'],
    ['object', 'attachment'],
  ] as const) {
    const { headers } = await served.raw(`/api/v1/previews/${cid}/bytes`, {
      'Sec-Fetch-Site': 'same-origin',
      'Sec-Fetch-Dest': dest,
    });
    assert.equal(headers['content-type'], 'application/pdf');
    assert.equal(headers['content-security-policy'], "default-src 'none'; sandbox");
    assert.match(String(headers['content-disposition']), new RegExp(`^${kind};`), dest);
  }
});

test('nothing is shown to other sites and to those without the token', async () => {
  await using served = await ServedPeer.open();
  const cid = await new Previews(served).put('a.gif', latin('GIF89a\x01\0\x01\0'));
  for (const route of [`/api/v1/previews/${cid}`, `/api/v1/previews/${cid}/bytes`]) {
    assert.equal((await served.stranger(route)).status, 401);
    const { status } = await served.raw(route, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'image' });
    assert.equal(status, 403);
  }
});
