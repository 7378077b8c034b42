/** Rivals that run in Node, one process per peer. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { needNpmPackages } from './npm-packages.ts';
import { RunningProgram } from './program.ts';

const script = (name: string): string => path.join(import.meta.dirname, `${name}_peer.mjs`);

/** The command to the getting peer; it answers with the seconds taken. */
export class NodeRival implements AsyncDisposable {
  readonly #server: RunningProgram;
  readonly #name: string;
  readonly #order: object;
  readonly #got: string;

  private constructor(server: RunningProgram, name: string, order: object, got: string) {
    this.#server = server;
    this.#name = name;
    this.#order = order;
    this.#got = got;
  }

  /** Two WebTorrent peers over TCP, unencrypted, every piece verified and written. */
  static async webtorrent(file: string, folder: string, note: (text: string) => void): Promise<NodeRival> {
    await mkdir(folder, { recursive: true });
    const torrent = path.join(folder, 'file.torrent');
    const got = path.join(folder, 'got');
    return NodeRival.#serve(
      'webtorrent',
      { serve: { seed: file, torrent }, get: { get: torrent, folder: got }, got },
      note,
    );
  }

  /** A stream between two HyperDHT nodes: encrypted, nothing verified, no disk. */
  static async hyperdht(bytes: number, note: (text: string) => void): Promise<NodeRival> {
    return NodeRival.#serve('hyperdht', { serve: { serve: bytes }, get: { get: bytes }, got: '' }, note);
  }

  static async #serve(
    name: string,
    { serve, get, got }: { readonly serve: object; readonly get: object; readonly got: string },
    note: (text: string) => void,
  ): Promise<NodeRival> {
    await needNpmPackages(note);
    const server = new RunningProgram(process.execPath, [script(name)]);
    try {
      server.say(serve);
      const meeting = await server.line<object>();
      return new NodeRival(server, name, { ...get, ...meeting }, got);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Seconds. */
  async get(): Promise<number> {
    await using peer = new RunningProgram(process.execPath, [script(this.#name)]);
    peer.say(this.#order);
    const { seconds } = await peer.line<{ seconds: number }>();
    if (this.#got !== '') await rm(this.#got, { recursive: true, force: true });
    return seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
