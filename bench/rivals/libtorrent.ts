/** Two libtorrent peers over loopback, BitTorrent v1 and v2, unencrypted as is its default; every piece verified. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { debian, needPackages, RunningProgram } from './program.ts';

const script = path.join(import.meta.dirname, 'libtorrent_peer.py');

export class Libtorrent implements AsyncDisposable {
  readonly #seeder: RunningProgram;
  readonly #folder: string;
  readonly #torrent: string;
  readonly #port: number;

  private constructor(seeder: RunningProgram, folder: string, torrent: string, port: number) {
    this.#seeder = seeder;
    this.#folder = folder;
    this.#torrent = torrent;
    this.#port = port;
  }

  /** Seeds the file; downloads go to `folder`. */
  static async seed(file: string, folder: string, note: (text: string) => void): Promise<Libtorrent> {
    await needPackages([debian.libtorrent], note);
    await mkdir(folder, { recursive: true });
    const torrent = path.join(folder, 'file.torrent');
    const seeder = new RunningProgram('/usr/bin/python3', [script]);
    try {
      seeder.say({ seed: file, torrent });
      const { port } = await seeder.line<{ port: number }>();
      return new Libtorrent(seeder, folder, torrent, port);
    } catch (error) {
      await seeder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Seconds until a new peer has the complete, verified file. */
  async get(): Promise<number> {
    await using peer = new RunningProgram('/usr/bin/python3', [script]);
    peer.say({ get: this.#torrent, folder: path.join(this.#folder, 'got'), port: this.#port });
    return (await peer.line<{ seconds: number }>()).seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#seeder[Symbol.asyncDispose]();
  }
}
