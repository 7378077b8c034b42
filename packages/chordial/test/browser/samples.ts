/** Contents as people have them, small, and a list that is long. */
import { crc32, deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';

/** Of one colour. */
export function png(width: number, height: number): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x99)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const parts = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return Uint8Array.from(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts]));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** Silence, at 8000 samples of one byte a second. */
export function wave(seconds: number): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(44);
  header.write('RIFF');
  header.writeUInt32LE(36 + seconds * 8000, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(seconds * 8000, 40);
  return Uint8Array.from(Buffer.concat([header, Buffer.alloc(seconds * 8000, 128)]));
}

/** Recorded by the browser itself. */
export async function film(page: Page): Promise<readonly number[]> {
  return page.evaluate(`new Promise((resolve) => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [64, 48];
    const drawing = canvas.getContext('2d');
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm' });
    const parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onstop = async () => resolve([...new Uint8Array(await new Blob(parts).arrayBuffer())]);
    recorder.start();
    let frames = 0;
    const draw = () => {
      drawing.fillStyle = 'hsl(' + frames * 30 + ' 80% 50%)';
      drawing.fillRect(0, 0, 64, 48);
      if (++frames < 15) setTimeout(draw, 40);
      else recorder.stop();
    };
    draw();
  })`);
}

/** One page; its script would save the cookie somewhere else. */
export function pdf(): string {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (this.submitForm({cURL: "/evil"});) >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] >>',
  ];
  let written = '%PDF-1.4\n';
  const places = objects.map((one, index) => {
    const at = written.length;
    written += `${index + 1} 0 obj\n${one}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`;
  return `${written}${table}trailer << /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${written.length}\n%%EOF`;
}

const kinds: readonly string[] = ['image', 'audio', 'document', 'other', 'folder'];

/** What a peer with so many files answers to this request for some of them. */
export function madeUpFiles(count: number, url: string): unknown {
  const { searchParams } = new URL(url);
  const wanted = searchParams.get('kind');
  const step = wanted === null ? 1 : kinds.length;
  const first = wanted === null ? 0 : kinds.indexOf(wanted);
  const total = count / step;
  const from = Number(searchParams.get('skip'));
  const to = Math.min(total, from + Number(searchParams.get('limit')));
  const isDescending = searchParams.get('descending') === 'true';
  const files = Array.from({ length: to - from }, (_, at) => {
    const place = isDescending ? total - 1 - from - at : from + at;
    return madeUpFile(first + place * step);
  });
  const each = Object.fromEntries(kinds.map((kind) => [kind, count / kinds.length]));
  return { files, cursor: null, total, counts: { kinds: each, publishers: [], zones: [] } };
}

function madeUpFile(number: number): unknown {
  const kind = kinds[number % kinds.length];
  return {
    ...{ name: `file ${number}.bin`, cid: `bafy${number}`, size: 1000 + number, kind },
    ...{ type: kind === 'folder' ? 'directory' : 'file', publisher: '12D3KooWSomebodyElse' },
    ...{ publisherName: 'somebody else', also: [], copies: null, time: null, expiry: null, sha256: null },
  };
}
