import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { treePath } from '../folders/tree-path.ts';
import { parseRange } from '../http/file-bytes.ts';
import { checkBodyHeaders } from '../http/request-body.ts';
import { readXml } from '../xml.ts';
import { Digest } from './dav/digest.ts';

/** As long as a header may be. */
const length = 16_000;
const spaces = ' '.repeat(length);
const noTokens = { checkDigest: () => null };

function coded(coding: string): void {
  const request = { method: 'PUT', headers: { 'content-encoding': coding } };
  const reply = { header: () => reply };
  checkBodyHeaders(request as unknown as FastifyRequest, reply as unknown as FastifyReply);
}

function digested(authorization: string): void {
  const request = { headers: { authorization }, method: 'GET', raw: { url: '/dav/' } };
  assert.equal(new Digest().check(request as unknown as FastifyRequest, noTokens), null);
}

const hostile: readonly (readonly [string, () => unknown])[] = [
  ['Content-Encoding', () => assert.throws(() => coded(`identity${spaces}x`), { code: 'unsupported-type' })],
  ['Range, first', () => assert.equal(parseRange(`bytes=${spaces}x`, 10), null)],
  ['Range, last', () => assert.equal(parseRange(`bytes=1-${spaces}x`, 10), null)],
  ['Digest, a word', () => digested(`Digest ${'a'.repeat(length)}`)],
  ['Digest, words', () => digested(`Digest ${'a="'.repeat(length / 3)}`)],
  ['XML', () => assert.equal(readXml(`<a>${' '.repeat(256 * 1024)}<`), null)],
  ['path', () => assert.throws(() => treePath(`a${'/'.repeat(64 * 1024)}b`), { code: 'bad-name' })],
];

test('no header, body or path that others choose is worth a moment of this peer', () => {
  for (const [what, read] of hostile) {
    const began = process.cpuUsage();
    read();
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < 100_000, `${what}: ${(user + system) / 1000} ms`);
  }
});

test('codings, ranges and answers to a challenge are read as before', () => {
  for (const coding of ['', 'identity', ' Identity , identity', ',']) assert.doesNotThrow(() => coded(coding));
  for (const coding of ['gzip', 'identity, gzip']) assert.throws(() => coded(coding), { code: 'unsupported-type' });
  for (const [range, start, end] of [
    ['bytes=2-3', 2, 4],
    ['bytes= 2 - 3 ', 2, 4],
    ['bytes=2-', 2, 10],
    ['bytes=-3', 7, 10],
  ] as const)
    assert.deepEqual(parseRange(range, 10), { start, end }, range);
  for (const range of ['bytes=-', 'bytes=1 2-3', 'bytes=a-', 'lines=1-2']) assert.equal(parseRange(range, 10), null);
  assert.equal(readXml('<a>b</a> \0\n')?.text, 'b');
  assert.deepEqual(treePath('a/b//'), { folder: 'a', path: ['b'] });
});
