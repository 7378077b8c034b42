/** Transfers carried out by the peer itself: a few at a time, resumed after a restart. */

import { randomUUID } from 'node:crypto';
import { basename, dirname, isAbsolute } from 'node:path';
import type { Clock, Milliseconds } from '@chordial/ring';
import { leafBytes } from '../content/leaf-pool.ts';
import { ChordialError } from '../errors.ts';
import type { StopSwitch } from '../flow/timetable.ts';
import type { Said } from '../sentences.ts';
import { dataFolderAround } from '../storage/data-folder.ts';
import { FolderHandle } from '../storage/folder-handle.ts';
import { isMarked } from './file-mark.ts';
import type { FileEntry, Files, TransferProgress } from './files.ts';
import { fileError } from './local-file.ts';
import { textOfReference } from './of-publisher.ts';
import { partName, removeMarked } from './part-file.ts';
import type { SealJournal } from './sealing.ts';
import { type JournalEntry, type SettingsTable, TransferJournal } from './transfer-journal.ts';
import type { TransferRequest, TransferStatus, Transfers } from './transfers.ts';

/** Estimated memory of all running transfers: four large ones, or many small ones. */
const maxHeldBytes = 64 * 1024 * 1024;
/** Any transfer but a small file: many blocks in flight. */
const largeHeldBytes = 16 * 1024 * 1024;
/** A file of one block. */
const smallHeldBytes = 1024 * 1024;
const maxWaiting = 1000;
/** A command polls four times a second; after this time it is gone. */
const unattendedMilliseconds = 15_000;
/** Ended transfers are listed until newer ones replace them. */
const maxEnded = 100;

interface Transfer {
  entry: JournalEntry;
  readonly rate: TransferRate;
  /** Set while it runs. */
  stopping: AbortController | null;
  /** While it runs, its part of `maxHeldBytes`. */
  heldBytes: number;
  /** Last poll, by the monotonic clock. */
  askedAt: Milliseconds;
  readonly watchers: Set<() => void>;
}

export interface TransferQueueOptions {
  /** Called when the journal could not be written. */
  readonly report?: (error: Error) => void;
  readonly stop?: StopSwitch;
  /** Why what runs is slow, if that is known. */
  readonly slowness?: () => Said | null;
}

export class TransferQueue implements Transfers {
  readonly #files: Files;
  readonly #clock: Clock;
  readonly #report: (error: Error) => void;
  readonly #stop: StopSwitch | null;
  readonly #slowness: () => Said | null;
  readonly #journal: TransferJournal;
  /** In order of their start. */
  readonly #transfers = new Map<string, Transfer>();
  #heldBytes = 0;
  #begun = false;
  #closed = false;

  constructor(
    files: Files,
    settings: SettingsTable,
    clock: Clock,
    { report, stop, slowness }: TransferQueueOptions = {},
  ) {
    this.#files = files;
    this.#clock = clock;
    this.#report = report ?? (() => undefined);
    this.#stop = stop ?? null;
    this.#slowness = slowness ?? (() => null);
    stop?.onChange(() => this.#stoppedOrNot());
    this.#journal = new TransferJournal(settings);
    for (const entry of this.#journal.load()) this.#keep(entry);
  }

  /** Resumes what was running when the peer stopped; called once it is a member. */
  begin(): void {
    this.#begun = true;
    this.#pump();
  }

  /** Interrupts running transfers; they resume after the next start. */
  async close(): Promise<void> {
    this.#closed = true;
    const ending = [...this.#transfers.values()].filter(({ stopping }) => stopping !== null);
    for (const { stopping } of ending) stopping?.abort();
    await Promise.all(ending.map((transfer) => this.#until(transfer, () => transfer.stopping === null)));
  }

  async start(request: TransferRequest): Promise<TransferStatus> {
    if (!isAbsolute(request.path))
      throw new ChordialError('bad-request', `${request.path} is not an absolute path. Give the whole path.`);
    if (this.#waitingCount() >= maxWaiting)
      throw new ChordialError(
        'bad-request',
        `${maxWaiting} transfers are queued already. Wait for some to end or cancel them.`,
      );
    const bytesTotal = await markedSize(request);
    if (request.kind === 'put') await checkNotPrivate(request.path);
    const before = this.#interruptedSealed(request);
    if (before !== null) return this.resume(before, request.isAttended);
    const started = new Date(this.#clock.wallTime()).toISOString();
    const entry = {
      id: randomUUID(),
      request,
      state: 'running',
      error: null,
      result: null,
      bytesDone: 0,
      bytesTotal: request.kind === 'put' ? bytesTotal : null,
      started,
    } as const;
    const transfer = this.#keep(entry);
    try {
      await Promise.all([this.#journal.save(entry), ...this.#forgetOldest()]);
    } catch (error) {
      // Refused, so it must not run without its caller's knowledge.
      this.#transfers.delete(entry.id);
      throw error;
    }
    this.#pump();
    return this.#shown(transfer);
  }

  /** The same put of a sealed file that did not end: it has the key with which blocks that arrived count. */
  #interruptedSealed(request: TransferRequest): string | null {
    const wanted = whatOf(request);
    const same = [...this.#transfers.values()].filter(({ entry: { kept, state, request: of } }) => {
      return kept !== undefined && state !== 'done' && state !== 'cancelled' && whatOf(of) === wanted;
    });
    return same.at(-1)?.entry.id ?? null;
  }

  list(): readonly TransferStatus[] {
    return [...this.#transfers.values()].map((transfer) => this.#shown(transfer));
  }

  get(id: string): TransferStatus | null {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return null;
    transfer.askedAt = this.#clock.now();
    return this.#shown(transfer);
  }

  async pause(id: string): Promise<TransferStatus> {
    const transfer = this.#known(id);
    if (transfer.entry.state === 'running') await this.#end(transfer, { state: 'paused' });
    return this.#shown(transfer);
  }

  /** Failed transfers can be resumed as well. */
  async resume(id: string, isAttended?: boolean): Promise<TransferStatus> {
    const transfer = this.#known(id);
    transfer.askedAt = this.#clock.now();
    if (isAttended !== undefined)
      transfer.entry = { ...transfer.entry, request: { ...transfer.entry.request, isAttended } };
    if (transfer.entry.state === 'paused' || transfer.entry.state === 'failed') {
      await this.#until(transfer, () => transfer.stopping === null);
      await this.#set(transfer, { state: 'running', error: null });
      this.#pump();
    }
    return this.#shown(transfer);
  }

  async cancel(id: string): Promise<void> {
    const transfer = this.#known(id);
    const { request, state } = transfer.entry;
    if (state === 'done' || state === 'cancelled') return;
    await this.#end(transfer, { state: 'cancelled' });
    await this.#until(transfer, () => transfer.stopping === null);
    if (request.kind === 'get') await removePart(request, false);
  }

  async wait(id: string, signal?: AbortSignal): Promise<TransferStatus> {
    const transfer = this.#known(id);
    try {
      await this.#until(transfer, () => transfer.entry.state !== 'running', signal);
    } finally {
      transfer.askedAt = this.#clock.now();
    }
    return this.#shown(transfer);
  }

  #pump(): void {
    if (!this.#begun || this.#closed || this.#stopReason !== null) return;
    for (const transfer of this.#transfers.values()) {
      if (transfer.entry.state !== 'running' || transfer.stopping !== null) continue;
      const wanted = heldAtFirst(transfer.entry);
      // The next one waits for its memory: a stream of small ones must not starve a large one.
      if (this.#heldBytes + wanted > maxHeldBytes) return;
      this.#hold(transfer, wanted);
      void this.#run(transfer);
    }
  }

  /** Why none runs now; null: they may. */
  get #stopReason(): string | null {
    return this.#stop?.reason() ?? null;
  }

  /** What runs is interrupted, and goes on by itself once it may. */
  #stoppedOrNot(): void {
    if (this.#stopReason === null) this.#pump();
    else for (const { stopping } of this.#transfers.values()) stopping?.abort();
    for (const transfer of this.#transfers.values()) tell(transfer);
  }

  async #run(transfer: Transfer): Promise<void> {
    const stopping = new AbortController();
    transfer.stopping = stopping;
    transfer.askedAt = this.#clock.now();
    this.#attend(transfer, stopping);
    try {
      const outcome = await this.#outcome(transfer, stopping.signal);
      if (outcome !== null) await this.#set(transfer, outcome);
    } catch (error) {
      // The disk may be full, perhaps because of this transfer: it has ended all the same, and is listed until a
      // restart.
      this.#report(error as Error);
    } finally {
      transfer.stopping = null;
      this.#hold(transfer, 0);
      tell(transfer);
      this.#pump();
    }
  }

  /** Pauses it when the command that waits for it is gone; the next command resumes it. */
  #attend(transfer: Transfer, stopping: AbortController): void {
    this.#clock.after(unattendedMilliseconds, () => {
      if (transfer.stopping !== stopping || stopping.signal.aborted) return;
      const isGone = this.#clock.now() - transfer.askedAt >= unattendedMilliseconds;
      if (!isGone || transfer.entry.request.isAttended !== true) this.#attend(transfer, stopping);
      else this.pause(transfer.entry.id).catch(this.#report);
    });
  }

  /** Null when it was ended from outside: its state was set there, or is kept for the next start. */
  async #outcome(transfer: Transfer, signal: AbortSignal): Promise<Partial<JournalEntry> | null> {
    try {
      return { state: 'done', result: await this.#carryOut(transfer, signal), error: null };
    } catch (error) {
      return signal.aborted ? null : { state: 'failed', error: shownError(error) };
    }
  }

  async #carryOut(transfer: Transfer, signal: AbortSignal): Promise<unknown> {
    const { request } = transfer.entry;
    const { path, mark, reference } = request;
    const progress = (done: TransferProgress): void => this.#note(transfer, done);
    if (request.kind === 'put') {
      const { replicas, timeToLive, sealed } = request;
      const options = {
        ...(replicas === undefined ? {} : { replicas }),
        ...(timeToLive === undefined ? {} : { timeToLive }),
        ...(sealed === undefined ? {} : { sealed }),
        seals: this.#sealsOf(transfer),
        signal,
        progress,
        mark,
      };
      return this.#files.putPath(reference.name ?? '', path, options);
    }
    const resolved = async ({ type, size }: FileEntry): Promise<void> => {
      if (!isSmall(type, size)) return;
      this.#hold(transfer, smallHeldBytes);
      this.#pump();
    };
    try {
      return await this.#files.getPath(reference, path, {
        force: request.force ?? false,
        signal,
        progress,
        resolved,
        mark,
      });
    } finally {
      if (!signal.aborted) await removePart(request, true);
    }
  }

  #sealsOf(transfer: Transfer): SealJournal {
    return {
      kept: (fingerprint) => {
        const { kept } = transfer.entry;
        return kept?.fingerprint === fingerprint ? kept.seal : null;
      },
      keep: (fingerprint, seal) => this.#set(transfer, { kept: { fingerprint, seal } }),
    };
  }

  #note(transfer: Transfer, { bytesDone, bytesTotal }: TransferProgress): void {
    transfer.rate.note(this.#clock.now(), bytesDone);
    transfer.entry = { ...transfer.entry, bytesDone, bytesTotal };
  }

  async #end(transfer: Transfer, change: Partial<JournalEntry>): Promise<void> {
    const saved = this.#set(transfer, change);
    transfer.stopping?.abort();
    await saved;
  }

  async #set(transfer: Transfer, change: Partial<JournalEntry>): Promise<void> {
    const changed = { ...transfer.entry, ...change };
    const isOver = changed.state === 'done' || changed.state === 'cancelled';
    transfer.entry = isOver ? withoutSecrets(changed) : changed;
    tell(transfer);
    await this.#journal.save(transfer.entry);
  }

  #hold(transfer: Transfer, bytes: number): void {
    this.#heldBytes += bytes - transfer.heldBytes;
    transfer.heldBytes = bytes;
  }

  #keep(entry: JournalEntry): Transfer {
    const transfer: Transfer = {
      entry,
      rate: new TransferRate(),
      stopping: null,
      heldBytes: 0,
      askedAt: 0,
      watchers: new Set(),
    };
    this.#transfers.set(entry.id, transfer);
    return transfer;
  }

  /** Resolves when they are removed durably. */
  #forgetOldest(): readonly Promise<void>[] {
    const ended = [...this.#transfers.values()].filter(
      ({ entry }) => entry.state !== 'running' && entry.state !== 'paused',
    );
    return ended.slice(0, Math.max(0, ended.length - maxEnded)).map(({ entry }) => {
      this.#transfers.delete(entry.id);
      return this.#journal.forget(entry.id);
    });
  }

  #waitingCount(): number {
    return [...this.#transfers.values()].filter(({ entry }) => entry.state === 'running' || entry.state === 'paused')
      .length;
  }

  #known(id: string): Transfer {
    const transfer = this.#transfers.get(id);
    if (transfer !== undefined) return transfer;
    throw new ChordialError('not-found', `There is no transfer ${JSON.stringify(id)}. List them first.`);
  }

  #shown({ entry, rate }: Transfer): TransferStatus {
    const { id, request, state, bytesDone, bytesTotal, error, result, started } = entry;
    const { kind, path, reference: of } = request;
    const reference = kind === 'put' ? (of.name ?? '') : textOfReference(of);
    const stopped = state === 'running' ? this.#stopReason : null;
    const isRunning = state === 'running' && stopped === null;
    return {
      id,
      kind,
      reference,
      path,
      state: stopped === null ? state : 'paused',
      bytesDone,
      bytesTotal,
      rate: isRunning ? rate.perSecond(this.#clock.now(), bytesDone) : 0,
      error: stopped === null ? error : { code: 'stopped', message: stopped },
      note: isRunning ? this.#slowness() : null,
      result,
      started,
    };
  }

  #until(transfer: Transfer, reached: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        transfer.watchers.delete(look);
        signal?.removeEventListener('abort', aborted);
      };
      const look = (): void => {
        if (!reached()) return;
        stop();
        resolve();
      };
      const aborted = (): void => {
        stop();
        reject(new ChordialError('interrupted', 'Waiting for the transfer was interrupted; the transfer continues.'));
      };
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted);
      transfer.watchers.add(look);
      look();
    });
  }
}

function whatOf({ isAttended: _, ...request }: TransferRequest): string {
  return JSON.stringify(Object.entries(request).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What only a running or resumed transfer needs. */
function withoutSecrets({ kept: _, request, ...entry }: JournalEntry): JournalEntry {
  const { passphrase: __, ...reference } = request.reference;
  const { sealed, ...rest } = request;
  return { ...entry, request: { ...rest, reference, ...(sealed ? { sealed: {} } : {}) } };
}

function heldAtFirst({ request, bytesTotal }: JournalEntry): number {
  return request.kind === 'put' && bytesTotal !== null && isSmall('file', bytesTotal) ? smallHeldBytes : largeHeldBytes;
}

function isSmall(type: FileEntry['type'], bytes: number): boolean {
  return type === 'file' && bytes <= leafBytes;
}

/** Current size of the intended file; it is opened and checked again in its turn. Throws when another file is there. */
async function markedSize({ kind, path, mark }: TransferRequest): Promise<number> {
  const code = kind === 'put' ? 'unreadable-file' : 'unwritable-file';
  try {
    await using folder = await FolderHandle.open(dirname(path));
    const name = kind === 'put' ? basename(path) : partName(basename(path));
    const status = await folder.lstat(name);
    if (!status.isFile() || !isMarked(status, mark))
      throw new ChordialError(
        code,
        `${folder.path}/${name} is not the file that was shown: it was replaced, or lies elsewhere.`,
      );
    return Number(status.size);
  } catch (cause) {
    throw fileError(code, path, cause);
  }
}

async function checkNotPrivate(path: string): Promise<void> {
  const data = await dataFolderAround(dirname(path));
  if (data === null) return;
  throw new ChordialError(
    'bad-request',
    `${path} lies in the data folder of a peer (${data}), which holds its private key, and is never published.`,
  );
}

/** For an ended get; files of others are left alone. */
async function removePart({ path, mark }: TransferRequest, onlyEmpty: boolean): Promise<void> {
  try {
    await using folder = await FolderHandle.open(dirname(path));
    const name = partName(basename(path));
    if (!onlyEmpty || (await folder.lstat(name)).size === 0n) await removeMarked(folder, name, mark);
  } catch {
    // It is gone, or its folder is: nothing left to remove.
  }
}

function tell(transfer: Transfer): void {
  for (const look of [...transfer.watchers]) look();
}

function shownError(error: unknown): { code: string; message: string } {
  if (error instanceof ChordialError) return { code: error.code, message: error.message };
  return { code: 'internal', message: (error as Error).message };
}

const windowMilliseconds = 5000;
const minIntervalMilliseconds = 250;

/** Bytes per second over the last few seconds. */
export class TransferRate {
  /** At most windowMilliseconds / minIntervalMilliseconds + 1 samples, oldest first. */
  #samples: { readonly at: Milliseconds; readonly bytes: number }[] = [];

  note(at: Milliseconds, bytes: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < minIntervalMilliseconds) return;
    this.#samples = [...this.#samples.filter((sample) => at - sample.at <= windowMilliseconds), { at, bytes }];
  }

  perSecond(now: Milliseconds, bytes: number): number {
    const first = this.#samples.find((sample) => now - sample.at <= windowMilliseconds);
    if (first === undefined || now <= first.at) return 0;
    return Math.round(((bytes - first.bytes) * 1000) / (now - first.at));
  }
}
