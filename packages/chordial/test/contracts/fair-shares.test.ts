/** Over real sockets: a host that asks much or reads nothing slows only itself. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type Block, cidOfBlock, rawCodec } from '../../src/content/cid.ts';
import { leafBytes } from '../../src/content/leaf-pool.ts';
import { forEachConcurrently } from '../../src/flow/for-each.ts';
import { Bandwidth } from '../../src/network/bandwidth.ts';
import { tlsCredentials } from '../../src/network/certificate.ts';
import { dialBulk } from '../../src/network/dial.ts';
import { type Genesis, networkId } from '../../src/network/genesis.ts';
import { createIdentity } from '../../src/network/identity.ts';
import { systemClock } from '../../src/network/system-clock.ts';
import { encodeBody } from '../../src/network/wire-body.ts';
import type { Sharers } from '../../src/replication/block-fetcher.ts';
import { blockMessages } from '../../src/replication/block-messages.ts';
import { maxLeavesInFlight } from '../../src/transfer/read-memory.ts';
import { holderAndClients } from '../fixtures/socket-peers.ts';

const patience = { timeout: 30_000 };
type Peer = Awaited<ReturnType<typeof holderAndClients>>['holder'];

test('several concurrent getters of one peer get equal shares', patience, async (t) => {
  const { holder, clients } = await holderAndClients(t, 4);
  const leaves = await keep(holder, 32);
  const got = clients.map(() => 0);
  const whenFirstWasDone = await Promise.race(
    clients.map(async (client, index) => {
      await read(client, leaves, () => {
        got[index]! += 1;
      });
      return [...got];
    }),
  );
  // Equal shares up to a batch or two in progress.
  assert.ok(Math.min(...whenFirstWasDone) >= leaves.length / 3, `they had got ${whenFirstWasDone} leaves`);
});

test('hosts that request much and read nothing do not block others', patience, async (t) => {
  const { holder, clients, genesis } = await holderAndClients(t, 1);
  const leaves = await keep(holder, 8);
  for (let host = 1; host <= 3; host++) await askAndReadNothing(t, holder, genesis, leaves);
  const [client] = clients;
  let count = 0;
  await read(client!, leaves, () => {
    count += 1;
  });
  assert.equal(count, leaves.length);
});

test('small content is not queued behind all requests to the same host for a large one', patience, async (t) => {
  const path = { roundTripMilliseconds: 40, bytesPerSecond: 12e6 };
  const { holder, clients } = await holderAndClients(t, 1, { path });
  const client = clients[0]!;
  const leaves = await keep(holder, 72);
  const [small] = await keep(holder, 1, 10_000);
  // How much the system buffers of what the holder has sent differs from machine to machine.
  const served = t.mock.method(holder.blocks, 'get').mock;
  const order = () => served.calls.map(({ arguments: [cid] }) => String(cid));
  const enough = new AbortController();
  let got = 0;
  let servedBefore = 0;
  const start = () => {
    servedBefore = served.callCount();
    void client.fetcher.fetch(small!, undefined, contentOf()).then(() => enough.abort());
  };
  const large = read(
    client,
    leaves,
    () => {
      got += 1;
      if (got === 8) start();
    },
    enough.signal,
  );
  await assert.rejects(large, { code: 'interrupted' });
  const ahead = order().indexOf(String(small)) - servedBefore;
  assert.ok(ahead >= 0 && ahead < 5, `it was served after ${ahead} more leaves of the large one`);
});

async function keep(holder: Peer, count: number, bytes = leafBytes): Promise<readonly Block['cid'][]> {
  const blocks = Array.from({ length: count }, () => {
    const leaf = new Uint8Array(randomBytes(bytes));
    return { cid: cidOfBlock(rawCodec, leaf), bytes: leaf };
  });
  await holder.blocks.put(blocks);
  return blocks.map(({ cid }) => cid);
}

/** Like a get into a file; calls `came` for each leaf. */
function read(
  { fetcher }: Peer,
  leaves: readonly Block['cid'][],
  came: () => void,
  signal?: AbortSignal,
): Promise<void> {
  const content = contentOf();
  const wanted = (async function* () {
    yield* leaves;
  })();
  const fetch = async (cid: Block['cid']): Promise<void> => {
    fetcher.release(await fetcher.fetch(cid, signal, content));
    came();
  };
  return forEachConcurrently(wanted, maxLeavesInFlight, fetch);
}

/** Reads each content in its own turn. */
function contentOf(): Sharers {
  return { known: () => [], find: async () => [] };
}

/** More questions than an honest peer sends at once, with no credit for answers. */
async function askAndReadNothing(
  t: TestContext,
  holder: Peer,
  genesis: Genesis,
  leaves: readonly Block['cid'][],
): Promise<void> {
  const identity = createIdentity();
  const caller = {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network: networkId(genesis),
    papers: () => ({ shown: [], name: null, epoch: 0 }),
    contactFor: () => ({ host: identity.host, addresses: [] }),
    bandwidthTo: (address: string) => new Bandwidth({ clock: systemClock }).link({ address }),
  };
  const port = Number(holder.transport.contact.addresses[0]?.split(':').at(-1));
  const address = { host: '127.0.0.1', port };
  const connection = await dialBulk(
    caller,
    { address, expected: holder.contact.host, connectWithin: 5000, tickets: null },
    () => {},
  );
  t.after(() => connection.end());
  await Promise.all(
    Array.from({ length: 16 }, () =>
      connection.bulk
        .open(blockMessages.get.kind, encodeBody(blockMessages.get.encode({ cids: leaves, repair: false })), 30_000)
        .answer(),
    ),
  );
}
