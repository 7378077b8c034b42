/** Clients that take a large file slowly, at a real peer: its memory, and what others get meanwhile (case 13). */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { NetworkFixture } from './network-fixture.ts';

const clients = 60;
const fileBytes = 160 * 2 ** 20;
const mebibyte = 2 ** 20;

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test('case 13 sixty slow clients of a large file take one bounded memory, and slow no one else', async (t) => {
  await using network = await NetworkFixture.open();
  const peer = await network.start({ flags: ['--quota', '1G'] });
  const body = randomBytes(fileBytes);
  const put = await peer.request('/api/v1/files/large', { method: 'PUT', body });
  assert.equal(put.status, 201);
  const before = await residentBytes(peer.pid);
  const slow = await Promise.all(
    Array.from({ length: clients }, async () => {
      const headers = { Authorization: `Bearer ${peer.token}` };
      const asked = get(`${peer.apiUrl}/api/v1/files/large`, { agent: false, headers });
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      assert.equal(answer.statusCode, 200);
      answer.pause();
      return asked;
    }),
  );
  let peak = 0;
  const watch = async (milliseconds: number) => {
    for (const end = performance.now() + milliseconds; performance.now() < end; await pause(100)) {
      peak = Math.max(peak, await residentBytes(peer.pid));
    }
  };
  const quick = async () => {
    const answer = await peer.request('/api/v1/files/large');
    return createHash('sha256')
      .update(Buffer.from(await answer.arrayBuffer()))
      .digest('hex');
  };
  const [hash] = await Promise.all([quick(), watch(6_000)]);
  assert.equal(hash, createHash('sha256').update(body).digest('hex'));
  const risen = peak - before;
  t.diagnostic(
    `resident ${Math.round(before / mebibyte)} MiB before, ${Math.round(risen / mebibyte)} MiB more at most`,
  );
  assert.ok(risen < 192 * mebibyte, `${Math.round(risen / mebibyte)} MiB more`);
  for (const one of slow) one.destroy();
  assert.equal((await peer.request('/healthz')).status, 200);
});
