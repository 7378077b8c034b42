/** A real data folder of which each file in turn is missing, empty, cut, garbage or a pipe (case 15). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { markedFile } from '../../test/fixtures/marked.ts';
import { withFolder } from '../../test/fixtures/temporary-folder.ts';
import { ChordialError } from '../errors.ts';
import { parseConfiguration } from './configuration.ts';
import type { PeerEvent } from './peer.ts';
import { startPeer } from './start-peer.ts';

const harms = {
  missing: (file: string) => fs.rm(file),
  empty: (file: string) => fs.truncate(file, 0),
  cut: async (file: string) => fs.truncate(file, Math.floor((await fs.stat(file)).size / 2)),
  garbage: async (file: string) => fs.writeFile(file, randomBytes(Math.max(16, (await fs.stat(file)).size))),
  pipe: async (file: string) => {
    await fs.rm(file);
    execFileSync('mkfifo', [file]);
  },
} as const;

interface Started {
  readonly names: readonly string[];
  readonly told: readonly PeerEvent[];
}

/** Starts a peer on the folder, looks at what it publishes, and stops it. */
async function start(data: string): Promise<Started> {
  const told: PeerEvent[] = [];
  const text = { listen: '127.0.0.1:0', api: '127.0.0.1:0', data };
  const peer = await startPeer({ ...parseConfiguration(text), onEvent: (event) => told.push(event) });
  try {
    peer.transfers.list();
    peer.shares.list();
    const { files } = await peer.files.list({ all: false, cursor: null, limit: 100 });
    return { names: files.map(({ name }) => name ?? ''), told };
  } finally {
    await peer.stop();
  }
}

/** A folder with something of everything in it. */
async function fill(data: string, other: string): Promise<void> {
  const peer = await startPeer(parseConfiguration({ listen: '127.0.0.1:0', api: '127.0.0.1:0', data }));
  const file = path.join(other, 'file');
  await fs.writeFile(file, randomBytes(700_000));
  await peer.files.putPath('large', file);
  await peer.files.put('small', [Buffer.from('small')] as unknown as AsyncIterable<Uint8Array>);
  const { id: transfer } = await peer.transfers.start({
    kind: 'put',
    reference: { name: 'moved' },
    ...(await markedFile(file)),
  });
  await peer.transfers.wait(transfer);
  await peer.shares.add(other);
  const { id } = await peer.uploads.create('sent', 9);
  await peer.uploads.append(id, 0, Readable.from([Buffer.from('012')]));
  await peer.stop();
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** What the peer cannot do without, or cannot replace by itself: it must say which file, and what to do. */
const needed = /^(identity\.pem|genesis\.cbor|admission\.cbor|format|lock|catalog\.sqlite|age-keys\.txt)$/;

test('case 15 a peer starts whatever became of a file of its data folder, or says which one and what to do', () =>
  withFolder(async (folder) => {
    const [whole, other, data] = ['whole', 'other', 'data'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    await fs.mkdir(other);
    await fill(whole, other);
    const names = await filesBelow(whole);
    assert.ok(names.some((name) => name.startsWith('blocks')) && names.some((name) => name.startsWith('uploads')));
    const faults: string[] = [];
    for (const name of names) {
      for (const [harm, apply] of Object.entries(harms)) {
        await fs.rm(data, { recursive: true, force: true });
        await fs.cp(whole, data, { recursive: true });
        await apply(path.join(data, name));
        const fault = await faultOf(data, name, harm);
        if (fault !== null) faults.push(`${name} ${harm}: ${fault}`);
      }
    }
    assert.deepEqual(faults, []);
  }));

/** What is wrong with a start on a folder in which this file was harmed; null when nothing is. */
async function faultOf(data: string, name: string, harm: string): Promise<string | null> {
  try {
    const { told } = await start(data);
    // What is gone is made again, or its remedy is to be gone; a harmed one must not be taken for whole.
    if (needed.test(name) && name !== 'lock' && harm !== 'missing' && harm !== 'empty') return 'not noticed';
    const isUpload = name.startsWith('uploads') && harm !== 'garbage';
    if (isUpload && !name.endsWith('.json') && !told.some(({ kind }) => kind === 'damaged')) return 'not told';
    return null;
  } catch (error) {
    if (!(error instanceof ChordialError)) return String((error as Error).stack);
    const { code, message } = error;
    const hasRemedy = /remove|copy|copies|move it|put the file back|choose|use the version/i.test(message);
    const isClear = code === 'broken-data-folder' && message.includes(name) && hasRemedy;
    return needed.test(name) && isClear ? null : `${code} ${message}`;
  }
}

test('case 15 a peer starts whatever is in the place of a setting of its catalogue', () =>
  withFolder(async (folder) => {
    const [whole, other, data] = ['whole', 'other', 'data'].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    await fs.mkdir(other);
    await fill(whole, other);
    const settings = () => {
      const database = new DatabaseSync(path.join(whole, 'catalog.sqlite'));
      try {
        return database
          .prepare('SELECT name FROM settings')
          .all()
          .map((row) => String(row['name']));
      } finally {
        database.close();
      }
    };
    for (const value of ['{"cut', 'null', '5', '"text"', '{}', '[{}]', '[null]']) {
      await fs.rm(data, { recursive: true, force: true });
      await fs.cp(whole, data, { recursive: true });
      const database = new DatabaseSync(path.join(data, 'catalog.sqlite'));
      for (const name of settings()) database.prepare('UPDATE settings SET value = ? WHERE name = ?').run(value, name);
      database.close();
      const { names } = await start(data);
      assert.deepEqual([...names].sort(), ['large', 'moved', 'small'], value);
    }
  }));
