import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Contact } from '@chordial/ring';
import { virtualClock } from '@chordial/ring/testing';
import { cidOfBlock, rawCodec } from '../content/cid.ts';
import { createIdentity } from '../network/identity.ts';
import type { Wire } from '../network/transport.ts';
import { Catalog } from '../storage/catalog.ts';
import { PointerTable } from '../storage/pointer-table.ts';
import { blockMessages } from './block-messages.ts';
import { Pointers } from './pointers.ts';

const { point, where } = blockMessages;
const cids = [1, 2, 3].map((byte) => cidOfBlock(rawCodec, Uint8Array.of(byte)));
const contact = (port: number): Contact => ({ host: createIdentity().host, addresses: [`127.0.0.1:${port}`] });
const [self, full, holder] = [contact(1), contact(2), contact(3)];

test('B12 a full host is told where blocks went, in few messages, and says so when asked', async () => {
  const { clock, pass } = virtualClock();
  const asked: string[] = [];
  const request = async (to: Contact, kind: string, body: Wire): Promise<Wire> => {
    asked.push(kind);
    assert.equal(to, full);
    if (kind === where.kind) return where.encodeAnswer({ holders: atFull.where(where.decode(body).cids) });
    const told = point.decode(body);
    await atFull.point(told.cids, told.holder);
    return {};
  };
  const hosts = () => [self, full, holder];
  const view = { self, hosts, isDead: () => false } as never;
  const ports = { view, clock, transport: { request } as never };
  const [catalog, ofFull] = [new Catalog(':memory:'), new Catalog(':memory:')];
  const kept = new PointerTable(ofFull);
  const atFull = new Pointers({ ...ports, view: { self: full, hosts, isDead: () => false } as never }, kept);
  const untilKept = async (count: number): Promise<void> => {
    while (kept.count() < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const teller = new Pointers(ports, new PointerTable(catalog));
  for (const cid of cids.slice(0, 2)) teller.tell(full, holder, cid);
  pass(60);
  await untilKept(2);
  assert.deepEqual(asked, [point.kind]);
  assert.deepEqual(atFull.where(cids), [holder.host, holder.host, null]);
  assert.deepEqual(await teller.holders(cids[0]!, [self, full]), [holder]);
  assert.deepEqual(await teller.holders(cids[2]!, [self, full]), []);
  atFull.tell(full, self, cids[2]!);
  await untilKept(3);
  assert.deepEqual(await atFull.holders(cids[2]!, []), [self]);
  ofFull.close();
  catalog.close();
});
