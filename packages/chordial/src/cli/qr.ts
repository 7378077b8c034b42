/** QR codes of invites, links and doors: in the terminal, or as a file. */
import { open } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import type { Command } from 'commander';
import encodeQR from 'qr';
import { ChordialError } from '../errors.ts';
import { fileError } from '../transfer/local-file.ts';
import type { CommonOptions } from './command.ts';
import { note, say } from './output.ts';

export interface QrOptions {
  readonly qr?: boolean;
  readonly qrFile?: string;
}

/** Read from a screen at level L; the standard wants four light modules around it. */
const level = { ecc: 'low' } as const;
const quietModules = 4;
const pixelsPerModule = 8;
const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex');

export function qrOptions(command: Command): Command {
  return command
    .option('--qr', 'also prints a QR code')
    .option('--qr-file <file>', 'writes the QR code to a new file, .png or .svg');
}

/** To the terminal unless the output is for a program, and to the file. Throws `bad-usage`, `already-exists` or `unwritable-file`. */
export async function showQr(text: string, options: QrOptions & CommonOptions): Promise<void> {
  if (options.qr === true && options.json !== true) say(qrPicture(text, process.stdout.isTTY === true));
  if (options.qrFile === undefined) return;
  await writeNew(options.qrFile, qrFile(text, options.qrFile));
  note(`the QR code is in ${options.qrFile}`);
}

/** Before anything is made that the code would show. Throws `bad-usage`. */
export function checkQrFile({ qrFile: file }: QrOptions): void {
  if (file !== undefined) formatOf(file);
}

/** Light modules are full blocks with explicit colours, since a camera needs dark on light in any terminal theme. */
export function qrPicture(text: string, isTerminal: boolean): string {
  const picture = encodeQR(text, 'ascii', { ...level, border: 2 }).trimEnd();
  if (!isTerminal) return picture;
  return picture
    .split('\n')
    .map((line) => `\x1b[97;40m${line}\x1b[0m`)
    .join('\n');
}

/** The bytes of a file of this name. */
export function qrFile(text: string, file: string): Uint8Array {
  if (formatOf(file) === 'svg') return Buffer.from(encodeQR(text, 'svg', { ...level, border: quietModules }));
  return pngOf(encodeQR(text, 'raw', { ...level, border: quietModules }));
}

function formatOf(file: string): 'png' | 'svg' {
  const ending = /\.(png|svg)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'png' || ending === 'svg') return ending;
  throw new ChordialError('bad-usage', `--qr-file ${file} is no .png or .svg file. Name one, for example qr.png.`);
}

/** One bit a pixel, dark is 0. */
function pngOf(dark: readonly (readonly boolean[])[]): Uint8Array {
  const side = dark.length * pixelsPerModule;
  const rows = dark.map((modules) => {
    // The first byte says that the row is not filtered.
    const row = Buffer.alloc(1 + side / 8);
    for (const [at, isDark] of modules.entries()) row[1 + at] = isDark ? 0 : 0xff;
    return row;
  });
  const pixels = Buffer.concat(rows.flatMap((row) => Array.from({ length: pixelsPerModule }, () => row)));
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // One bit per pixel, grey.
  header[8] = 1;
  return Buffer.concat([
    pngSignature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const made = Buffer.alloc(body.length + 8);
  made.writeUInt32BE(data.length, 0);
  body.copy(made, 4);
  made.writeUInt32BE(crc32(body), made.length - 4);
  return made;
}

/** For this user alone: who reads the code has what it says. */
async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await using made = await open(file, 'wx', 0o600);
    await made.writeFile(bytes);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError('unwritable-file', file, cause);
    throw new ChordialError('already-exists', `${file} is already there. Remove it, or name another file.`, { cause });
  }
}
