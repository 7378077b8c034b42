/** A `chordial start` that must not become a peer: how it ended and what it said. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import type { NetworkFixture } from './network-fixture.ts';

export interface Refusal {
  readonly exit: number | null;
  readonly code: string;
  readonly message: string;
}

/**
 * `--listen` and `--api` take free ports unless the flags say otherwise; the last of two equal flags counts.
 * @param variables added to the environment
 */
export async function refusedStart(
  network: NetworkFixture,
  flags: readonly string[],
  variables: NodeJS.ProcessEnv = {},
): Promise<Refusal> {
  const ports = ['--listen', '127.0.0.1:0', '--api', '127.0.0.1:0'];
  const { exit, text, stderr } = await network.command(['start', '--json', ...ports, ...flags], undefined, {
    environment: { ...(await network.environment()), ...variables },
  });
  assert.ok(exit === 1 || exit === 2, `${flags.join(' ')} ended with ${exit}: ${stderr}`);
  assert.equal(text.includes('"ready"'), false, `${flags.join(' ')} became a peer`);
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return { exit, ...(JSON.parse(last) as { error: Omit<Refusal, 'exit'> }).error };
}

/** A port where something answers in its own way, or not at all. */
export class Stranger implements AsyncDisposable {
  readonly address: string;
  readonly #close: () => Promise<void>;

  private constructor(address: string, close: () => Promise<void>) {
    this.address = address;
    this.#close = close;
  }

  static async open(answer: (socket: Socket) => void): Promise<Stranger> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => undefined));
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return new Stranger(`127.0.0.1:${port}`, () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}
