import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { dataNetwork } from '../fixtures/data-network.ts';

const fileCount = 24;
/** Two waits of 300 ms for newly silent hosts, plus the time of the machine. */
const worstReadMilliseconds = 2000;

async function* bytesOf(bytes: Uint8Array) {
  yield bytes;
}

async function ringWithFiles(hosts: number) {
  const made = await dataNetwork(hosts);
  const files = await Promise.all(
    Array.from({ length: fileCount }, async (_, number) => {
      const bytes = randomBytes(number % 6 === 0 ? 2_500_000 : 20_000);
      const { copies } = await made.peers[number % hosts]!.files.put(`file ${number}`, bytesOf(bytes));
      assert.equal(copies, 3);
      return { name: `file ${number}`, bytes };
    }),
  );
  return { ...made, files };
}

/** The first two neither answer nor confirm their keys, and are not known to be dead. */
function hush({ network, ring, peers }: Awaited<ReturnType<typeof dataNetwork>>, health: 'silent' | 'dead'): void {
  for (const { contact } of peers.slice(0, 2)) {
    network.setHealth(contact.host, health);
    ring.mute(contact.host);
  }
  // Clears the cache of lookups.
  ring.change();
}

for (const health of ['silent', 'dead'] as const)
  test(`A5 every read succeeds within 2 s while two of 12 hosts are ${health} and no one knows it yet`, async () => {
    const { files, ...made } = await ringWithFiles(12);
    hush(made, health);
    let slowest = 0;
    for (const reader of made.peers.slice(2, 5)) {
      await Promise.all(
        files.map(async ({ name, bytes }) => {
          const since = performance.now();
          const { cid } = await reader.files.resolve({ name });
          const pieces: Uint8Array[] = [];
          for await (const piece of reader.files.read(cid)) pieces.push(Uint8Array.from(piece));
          slowest = Math.max(slowest, performance.now() - since);
          assert.ok(Buffer.concat(pieces).equals(bytes), `${name} came with other bytes`);
        }),
      );
    }
    await made.close();
    assert.ok(slowest < worstReadMilliseconds, `the slowest read took ${slowest.toFixed(0)} ms`);
  });

test('A5 puts wait while owners are silent and succeed once the ring has declared them dead', async () => {
  const made = await dataNetwork(12);
  const { ring, peers } = made;
  hush(made, 'silent');
  const puts = Array.from({ length: fileCount }, (_, number) =>
    peers[2 + (number % 10)]!.files.put(`file ${number}`, bytesOf(randomBytes(20_000))),
  );
  while (ring.lookupsGivenUp === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const { contact } of peers.slice(0, 2)) ring.declareDead(contact.host);
  for (const { copies } of await Promise.all(puts)) assert.ok(copies >= 2);
  await made.close();
});
