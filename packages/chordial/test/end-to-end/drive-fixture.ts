/** Two peers of one ring, the first of which serves a drive. */
import { until } from '../fixtures/until.ts';
import { NetworkFixture } from './network-fixture.ts';
import type { PeerProcess } from './peer-process.ts';

export class DriveFixture implements AsyncDisposable {
  readonly network: NetworkFixture;
  readonly own: PeerProcess;
  readonly other: PeerProcess;
  /** Ends in `/dav/`. */
  readonly address: string;
  readonly password: string;

  private constructor(
    network: NetworkFixture,
    peers: readonly [PeerProcess, PeerProcess],
    drive: { readonly url: string; readonly password: string },
  ) {
    this.network = network;
    [this.own, this.other] = peers;
    this.address = drive.url;
    this.password = drive.password;
  }

  static async open(): Promise<DriveFixture> {
    const network = await NetworkFixture.open();
    try {
      const own = await network.start({ flags: ['--door', '127.0.0.1:0', '--serve', 'dav'] });
      const other = await network.start({ join: own });
      await until('one ring', () => network.isIdeal([own, other]), 30_000);
      const { text, stderr, exit } = await network.command(['drive', '--json'], own);
      if (exit !== 0) throw new Error(stderr);
      return new DriveFixture(network, [own, other], JSON.parse(text) as { url: string; password: string });
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.network[Symbol.asyncDispose]();
  }
}
