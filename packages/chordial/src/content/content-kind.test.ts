import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf } from './content-kind.ts';

const shown = (bytes: string | Buffer) =>
  kindOf(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, true);

test('images, audio and video are known by their first bytes', () => {
  assert.deepEqual(shown('\xff\xd8\xff\xe0..JFIF'), { shown: 'image', type: 'image/jpeg', pixels: null });
  assert.deepEqual(shown('RIFF....WEBPVP8L'), { shown: 'image', type: 'image/webp', pixels: null });
  assert.deepEqual(shown('\0\0\0\x18ftypavif'), { shown: 'image', type: 'image/avif', pixels: null });
  assert.deepEqual(shown('%PDF-1.7\n%\xe2\xe3\xcf\xd3'), { shown: 'pdf', type: 'application/pdf' });
  assert.deepEqual(shown('ID3\x04'), { shown: 'audio', type: 'audio/mpeg' });
  assert.deepEqual(shown('RIFF....WAVEfmt '), { shown: 'audio', type: 'audio/wav' });
  assert.deepEqual(shown('OggS..\x01vorbis'), { shown: 'audio', type: 'audio/ogg' });
  assert.deepEqual(shown('OggS..\x80theora'), { shown: 'video', type: 'video/ogg' });
  assert.deepEqual(shown('\0\0\0\x18ftypisom'), { shown: 'video', type: 'video/mp4' });
  assert.deepEqual(shown('\x1a\x45\xdf\xa3....webm'), { shown: 'video', type: 'video/webm' });
});

test('the size of an image is read from its header', () => {
  const pixels = (bytes: string) => {
    const kind = shown(bytes);
    return kind?.shown === 'image' ? kind.pixels : undefined;
  };
  const size = { width: 300, height: 2 };
  assert.deepEqual(pixels('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\0\x02'), size);
  assert.deepEqual(pixels('GIF89a\x2c\x01\x02\0'), size);
  assert.deepEqual(pixels('\xff\xd8\xff\xe1\0\x05abc\xff\xff\xff\xc2\0\x0b\x08\0\x02\x01\x2c'), size);
  assert.deepEqual(pixels('\xff\xd8\xff\xe1\0\x01\xff\xc0\0\x0b\x08\0\x02\x01\x2c'), null);
  assert.deepEqual(pixels('RIFF....WEBPVP8X....\0\0\0\0\x2b\x01\0\x01\0\0'), size);
  assert.deepEqual(pixels('RIFF....WEBPVP8 ....\0\0\0\x9d\x01\x2a\x2c\x01\x02\0'), size);
  assert.deepEqual(pixels('RIFF....WEBPVP8L....\x2f\x2b\x41\0\0'), size);
  const box = (width: string) => `\0\0\0\x14ispe\0\0\0\0\0\0${width}\0\0\0\x02`;
  assert.deepEqual(pixels(`\0\0\0\x18ftypavif${box('\0\x10')}${box('\x01\x2c')}`), size);
  assert.deepEqual(pixels(`\0\0\0\x18ftypavif${'.'.repeat(9000)}${box('\x01\x2c')}`), null);
});

test('HTML and SVG are text, and what is no text is nothing', () => {
  assert.deepEqual(shown('<script>alert(1)</script>'), { shown: 'text', text: '<script>alert(1)</script>' });
  assert.equal(shown('<svg xmlns="http://www.w3.org/2000/svg"/>')?.shown, 'text');
  assert.equal(shown(''), null);
  assert.equal(shown('PK\x03\x04'), null);
  assert.equal(shown('text with \0'), null);
});

test('a text may be cut in the middle of a character, but only where more follows', () => {
  const cut = Buffer.from('Größe €').subarray(0, -1);
  assert.deepEqual(kindOf(cut, false), { shown: 'text', text: 'Größe ' });
  assert.equal(kindOf(cut, true), null);
});
