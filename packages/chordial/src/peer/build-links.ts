/** Links over the records of this peer. */
import { LinkRecords } from '../links/link-records.ts';
import { Links } from '../links/links.ts';
import type { Records } from './build-records.ts';
import type { DataCore } from './data-core.ts';

export function buildLinks(core: DataCore, { recordWriter, reader }: Pick<Records, 'recordWriter' | 'reader'>) {
  const { clock, random, storage, keys, transport, view, peerNames, closing } = core;
  const linkRecords = new LinkRecords({ ...core, table: storage.records }, recordWriter, reader);
  const ports = {
    clock,
    random,
    settings: keys.sealedSettings(storage.catalog),
    transport,
    called: peerNames.shown,
    closing,
  };
  const links = new Links({ ...ports, hosts: () => view.hosts() }, linkRecords);
  links.answerIn(core.registry);
  return { links, linkRecords };
}
