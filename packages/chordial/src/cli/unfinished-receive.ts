/**
 * What is noted beside the part file of a receive, so that the same command goes on after it was killed: where the code
 * led to, which the code may no longer tell, and how much of the part file is on the disk. The name of the note is a hash of the
 * code; it is readable for its user alone.
 */
import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { CodeTarget } from '../codes/code-target.ts';
import type { FolderHandle } from '../storage/folder-handle.ts';
import type { FileMark } from '../transfer/file-mark.ts';
import { fileError } from '../transfer/local-file.ts';

export interface UnfinishedReceive {
  readonly target: CodeTarget;
  /** Of the file that it becomes. */
  readonly base: string;
  /** CID of the bytes stored: another content begins from the start. */
  readonly cid: string;
  /** Of the part file. */
  readonly mark: FileMark;
  /** Bytes of content that are on the disk. */
  readonly done: number;
}

const maxNoteBytes = 8 * 1024;

export class ReceiveNote {
  readonly #folder: FolderHandle;
  readonly #name: string;

  /** @param what the code or link, in one form */
  constructor(folder: FolderHandle, what: string) {
    this.#folder = folder;
    this.#name = `.${hash('sha256', `chordial receive\0${what}`, 'hex').slice(0, 32)}.receive`;
  }

  /** Null when there is none that this user wrote. */
  async read(): Promise<UnfinishedReceive | null> {
    const folder = this.#folder;
    const status = await folder.lstat(this.#name).catch(() => null);
    if (status === null || (process.geteuid !== undefined && status.uid !== BigInt(process.geteuid()))) return null;
    const bytes = await folder.smallFile(this.#name, maxNoteBytes).catch(() => null);
    return bytes === null ? null : readable(bytes.toString());
  }

  async write(unfinished: UnfinishedReceive): Promise<void> {
    const folder = this.#folder;
    const name = `${this.#name}.new`;
    try {
      // Of a command that was killed while it wrote.
      await rm(folder.at(name), { force: true });
      const file = await folder.file(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        await file.writeFile(JSON.stringify(unfinished));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(folder.at(name), folder.at(this.#name));
    } catch (cause) {
      await rm(folder.at(name), { force: true }).catch(() => undefined);
      throw fileError('unwritable-file', `${folder.path}/${this.#name}`, cause);
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder.at(this.#name), { force: true });
  }
}

function readable(text: string): UnfinishedReceive | null {
  try {
    const note = JSON.parse(text) as UnfinishedReceive;
    const { target, base, cid, mark, done } = note;
    const texts = [target.path, ...target.doors, base, cid, mark.device, mark.inode];
    const isOne = texts.every((one) => typeof one === 'string') && Number.isSafeInteger(done) && done >= 0;
    return isOne ? note : null;
  } catch {
    return null;
  }
}
