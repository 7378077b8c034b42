import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test/contracts/temporary-folder.ts';
import { OpenDoor } from '../../../test/fixtures/open-door.ts';
import { SmallPeer } from '../../../test/fixtures/small-peer.ts';
import type { Code } from '../../codes/code.ts';
import { beginBody, confirmBody, readBegun } from '../../codes/code-json.ts';
import { encodeTarget } from '../../codes/code-target.ts';
import { Asking } from '../../codes/exchange.ts';
import { codeRate, failureRate } from '../limits.ts';
import { services } from '../services.ts';

const turn = { sender: 0, guardian: 0 };

test('B13 a network has few wrong codes and exchanges at a door, which says of unknown numbers and bad messages no more than of anything else', async () => {
  await using folder = await temporaryFolder();
  const peer = await SmallPeer.open(folder.path);
  await using door = await OpenDoor.open([services.links], { peer });
  const make = () =>
    peer.codes.make({ target: encodeTarget({ path: 'there', doors: [] }), timeToLive: 60_000, times: null });
  const post = (route: string, body: unknown) =>
    fetch(door.url + route, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const guess = async (code: Code) => {
    const asking = new Asking(code, randomBytes);
    const begun = readBegun(await (await post(`/c/${code.number}`, beginBody(asking.question, turn))).json());
    return post(`/c/${code.number}/confirm`, confirmBody(begun, asking.confirm(begun, begun.pointBytes)!));
  };
  const codes = [await make(), await make()] as const;
  assert.equal((await guess(codes[0])).status, 200);
  for (let count = 0; count < failureRate.burst; count++) {
    const answer = await guess({ ...codes[count % 2]!, words: 'zoo-zoo-zoo' });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /"wrong-code"/);
  }
  // Also the right words, else a guess would show among those that are refused.
  assert.equal((await guess(codes[0])).status, 429);

  const asked = beginBody(new Asking(codes[0], randomBytes).question, turn);
  for (const [route, body] of [
    ['/c/7', {}],
    ['/c/7', { ...asked, turn: { sender: 0 } }],
    ['/c/7', { ...asked, point: 'A'.repeat(1000) }],
    ['/c/seven', asked],
    ['/c/1000', asked],
  ] as const)
    assert.equal((await post(route, body)).status, 400, route);
  const other = codes.some(({ number }) => number === 998) ? 997 : 998;
  const unknown = await post(`/c/${other}`, asked);
  assert.equal(unknown.status, 404);
  assert.match(await unknown.text(), /There is nothing here/);
  assert.equal((await fetch(`${door.url}/c/${codes[0].number}`)).status, 404);
  let left = codeRate.burst;
  while ((await post(`/c/${other}`, asked)).status === 404) left -= 1;
  assert.ok(left >= 0);
  assert.deepEqual(door.bugs, []);
});
