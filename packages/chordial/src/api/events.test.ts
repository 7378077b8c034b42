import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ServedPeer, servedToken } from '../../test/fixtures/served-peer.ts';
import { EventLog } from './event-log.ts';

/** Reads the stream until `enough` says so. */
async function read(response: Response, enough: (text: string) => boolean): Promise<string> {
  let text = '';
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (!enough(text)) {
    const next = await reader?.read();
    if (next === undefined || next.done) break;
    text += next.value;
  }
  await reader?.cancel();
  return text;
}

test('A23 events stream as they happen, and a reader that comes back gets those it missed', async () => {
  await using served = await ServedPeer.open();
  const stream = await served.fetch('/api/v1/events');
  assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/);
  served.peer.tell('first');
  const seen = await read(stream, (text) => text.includes('first'));
  const id = /^id: (.+)$/m.exec(seen)?.[1] ?? '';
  served.peer.tell('second');
  const again = await served.fetch('/api/v1/events', { headers: { 'Last-Event-ID': id } });
  const missed = await read(again, (text) => text.includes('second'));
  assert.equal(missed.includes('first'), false);
  const withPast = await served.fetch('/api/v1/events?last=1');
  const past = await read(withPast, (text) => text.includes('second'));
  assert.equal(past.includes('first'), false);
});

test('case 13 a listener that takes nothing costs no memory, and is told what it missed when it goes on', async () => {
  await using served = await ServedPeer.open();
  const headers = { Authorization: `Bearer ${servedToken}` };
  const asked = get(`${served.api.url}/api/v1/events`, { agent: false, headers });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.pause();
  const text = 'x'.repeat(16_384);
  for (let index = 0; index < 2048; index++) {
    served.peer.tell(`${index} ${text}`);
    if (index % 64 === 0) await pause(1);
  }
  const isRead = (async () => {
    let all = '';
    for await (const piece of answer) {
      all += String(piece);
      if (all.includes('"2047 x')) return all;
    }
    return all;
  })();
  const all = await isRead;
  assert.match(all, /event: reset/);
  assert.ok(all.length < 20 * 1024 * 1024, `${all.length} bytes had been kept for it`);
  asked.destroy();
});

test('the log keeps a bounded number of events and tells when some are missing', () => {
  const log = new EventLog();
  for (let index = 0; index < 600; index += 1) log.add({ time: '', kind: 'k', text: String(index) });
  assert.equal(log.placeAfter('unknown'), null);
  const { events, next, isComplete } = log.from(0, 1000);
  assert.deepEqual([events.length, next, isComplete], [512, 600, false]);
  assert.equal(log.from(log.placeOfLast(0), 9).events.length, 0);
  assert.equal(log.from(log.placeOfLast(1), 9).events[0]?.event.text, '599');
  const place = log.placeAfter(events[2]?.id ?? '') ?? 0;
  const page = log.from(place, 2);
  assert.deepEqual([page.events.map(({ event }) => event.text), page.isComplete], [['91', '92'], true]);
});

test('B6 every view is the page, with a policy that allows nothing inline and nothing from elsewhere', async () => {
  await using served = await ServedPeer.open();
  for (const view of ['/', '/files', '/shares', '/transfers', '/people', '/ring', '/health', '/settings']) {
    const page = await served.fetch(view);
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'none'/);
    assert.equal(policy.includes('unsafe'), false);
    const html = await page.text();
    const scripts = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    assert.equal(scripts.length >= 3, true, html);
    for (const script of scripts) {
      const file = await served.fetch(script);
      assert.equal(file.status, 200, script);
      assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
      const again = await served.fetch(script, { headers: { 'If-None-Match': file.headers.get('etag') ?? '' } });
      assert.equal(again.status, 304);
    }
  }
});
