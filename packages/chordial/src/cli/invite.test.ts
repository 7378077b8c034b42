import assert from 'node:assert/strict';
import { test } from 'node:test';
import decodeQR from 'qr/decode.js';
import { qrPicture } from './invite.ts';

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
