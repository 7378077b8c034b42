/** A new connection to a known host compared with one to an unknown host: TLS, HELLO and one answer. */
import { parseAddress } from '../packages/chordial/src/network/addresses.ts';
import { tlsCredentials } from '../packages/chordial/src/network/certificate.ts';
import { type Caller, dial } from '../packages/chordial/src/network/dial.ts';
import { found, networkId } from '../packages/chordial/src/network/genesis.ts';
import { createIdentity } from '../packages/chordial/src/network/identity.ts';
import { SessionTickets } from '../packages/chordial/src/network/session-tickets.ts';
import { TlsTransport } from '../packages/chordial/src/network/tls-transport.ts';
import { median } from './alternating.ts';
import { type BenchOptions, type BenchRow, row } from './row.ts';

const connectMilliseconds = 5000;
const connectionsPerRound = 20;

interface Cost {
  /** Of both ends, in one process. */
  readonly cpuMilliseconds: number;
  readonly milliseconds: number;
}

export async function handshakes({ runs, isQuick, note }: BenchOptions): Promise<readonly BenchRow[]> {
  const genesis = found({ admission: 'open' });
  const [server, identity] = [createIdentity(), createIdentity()];
  const transport = new TlsTransport({ identity: server, genesis, listen: '127.0.0.1:0' });
  await transport.serve({ request: async () => null, stream: async () => ({ header: null }) });
  const caller: Caller = {
    host: identity.host,
    credentials: tlsCredentials(identity),
    network: networkId(genesis),
    papers: () => ({ shown: [], name: null, epoch: 0 }),
    contactFor: () => ({ host: identity.host, addresses: [] }),
  };
  const meet = async (tickets: SessionTickets | null): Promise<boolean> => {
    const address = parseAddress(transport.listening);
    const { session, socket } = await dial(caller, {
      address,
      expected: server.host,
      connectWithin: connectMilliseconds,
      tickets,
    });
    const isResumed = socket.isSessionReused();
    session.destroy();
    return isResumed;
  };
  const tickets = new SessionTickets();
  await meet(tickets);
  const costs = { whole: [] as Cost[], resumed: [] as Cost[] };
  const again = async (): Promise<void> => {
    if (!(await meet(tickets))) throw new Error('a session was not resumed');
  };
  try {
    await costOf(() => meet(null));
    const rounds = runs * (isQuick ? 4 : 16);
    // In short turns, so that other load affects both equally.
    for (let round = 1; round <= rounds; round++) {
      costs.whole.push(await costOf(() => meet(null)));
      costs.resumed.push(await costOf(again));
    }
    note(`${rounds} rounds of ${connectionsPerRound} connections each`);
  } finally {
    await transport.close();
  }
  const [whole, resumed] = [medianOf(costs.whole), medianOf(costs.resumed)];
  const ratio = (resumed.cpuMilliseconds / whole.cpuMilliseconds).toFixed(2);
  return [
    row('a connection to a host met before, both ends', shown(resumed), {
      rival: `${shown(whole)} (never met)`,
      ratio,
    }),
  ];
}

async function costOf(connect: () => Promise<unknown>): Promise<Cost> {
  const [before, start] = [process.cpuUsage(), performance.now()];
  for (let number = 0; number < connectionsPerRound; number++) await connect();
  const { user, system } = process.cpuUsage(before);
  return {
    cpuMilliseconds: (user + system) / 1000 / connectionsPerRound,
    milliseconds: (performance.now() - start) / connectionsPerRound,
  };
}

function medianOf(costs: readonly Cost[]): Cost {
  return {
    cpuMilliseconds: median(costs.map((cost) => cost.cpuMilliseconds)),
    milliseconds: median(costs.map((cost) => cost.milliseconds)),
  };
}

function shown({ cpuMilliseconds, milliseconds }: Cost): string {
  return `${cpuMilliseconds.toFixed(2)} ms of CPU, ${milliseconds.toFixed(1)} ms`;
}
