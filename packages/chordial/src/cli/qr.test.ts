import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import decodeQR from 'qr/decode.js';
import { qrFile, qrPicture } from './qr.ts';

const scale = 4;

/** The half blocks of a picture as a camera sees them. */
function photograph(picture: string): { readonly width: number; readonly height: number; readonly data: Uint8Array } {
  const lines = picture.split('\n');
  const rows = lines.flatMap((line) => [
    [...line].map((block) => block === '█' || block === '▀'),
    [...line].map((block) => block === '█' || block === '▄'),
  ]);
  const [width, height] = [rows[0]!.length * scale, rows.length * scale];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const isLight = rows[Math.floor(y / scale)]![Math.floor(x / scale)] === true;
      data.fill(isLight ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return { width, height, data };
}

test('the picture of an invite reads back as its line, on a terminal too', () => {
  const invite = `chordial:${'Ab3_-'.repeat(160)}`;
  assert.equal(decodeQR(photograph(qrPicture(invite, false))), invite);
  const coloured = qrPicture(invite, true);
  assert.ok(coloured.startsWith('\x1b[97;40m') && coloured.endsWith('\x1b[0m'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal
  assert.equal(coloured.replace(/\x1b\[[\d;]*m/g, ''), qrPicture(invite, false));
});

test('B13 the PNG of a link reads back as its URL; other endings are refused', () => {
  const url = 'https://files.example.org:8443/s/abcdefghijklmnop/photo.jpg';
  const png = Buffer.from(qrFile(url, 'qr.PNG'));
  const side = png.readUInt32BE(16);
  assert.equal(png.readUInt32BE(20), side);
  const data = new Uint8Array(side * side * 4).fill(255);
  const size = png.readUInt32BE(33);
  assert.equal(png.toString('latin1', 37, 41), 'IDAT');
  const rows = inflateSync(png.subarray(41, 41 + size));
  for (let at = 0; at < side * side; at++) {
    const [y, x] = [Math.floor(at / side), at % side];
    const bits = rows[y * (1 + side / 8) + 1 + Math.floor(x / 8)] ?? 0;
    data.fill((bits >> (7 - (x % 8))) & 1 ? 255 : 0, at * 4, at * 4 + 3);
  }
  assert.equal(decodeQR({ width: side, height: side, data }), url);
  assert.match(Buffer.from(qrFile(url, 'qr.svg')).toString(), /^<svg/);
  for (const file of ['qr', 'qr.jpg', 'png']) assert.throws(() => qrFile(url, file), { code: 'bad-usage' });
});
