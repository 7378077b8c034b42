/** Codes of this peer, and those that it keeps for others. */
import { randomBytes } from 'node:crypto';
import { codeMessages } from '../codes/code-messages.ts';
import { CodeRecords } from '../codes/code-records.ts';
import { Codes, countDeadline } from '../codes/codes.ts';
import { Guardian } from '../codes/guardian.ts';
import { KeptCodes } from '../codes/kept-codes.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { TransportError } from '../network/transport.ts';
import { CodeTable } from '../storage/code-table.ts';
import type { Network } from './build-network.ts';
import type { Ring } from './build-ring.ts';
import type { Closing } from './closing.ts';
import type { Data } from './data.ts';
import type { OpenFolder } from './open-folder.ts';

interface Parts {
  readonly folder: OpenFolder;
  readonly network: Network;
  readonly ring: Ring;
  readonly data: Data;
}

export function buildCodes({ folder, network, ring, data }: Parts, opened: Closing): Codes {
  const { transport } = network;
  const { view } = ring;
  const self = folder.identity.host;
  const clock = systemClock;
  const kept = new KeptCodes(new CodeTable(folder.catalog), clock);
  const guardian = new Guardian({
    self,
    clock,
    random: randomBytes,
    codes: kept,
    tell: async (host, said) => {
      const contact = view.hosts().find((one) => one.host === host);
      if (contact === undefined) return null;
      try {
        return (await codeMessages.count.ask(transport, contact, said, { deadline: countDeadline })).counts;
      } catch (error) {
        if (error instanceof TransportError) return null;
        throw error;
      }
    },
  });
  opened.defer(() => guardian.close());
  guardian.answerIn(data.registry);
  return new Codes({
    self,
    clock,
    random: systemRandom,
    transport,
    hosts: () => view.hosts(),
    mayHold: (host) => view.mayHold(host),
    records: new CodeRecords(data.linkRecords, clock),
    kept,
    guardian,
  });
}
