/** Links over the records of this peer, and the drop boxes behind some of them. */
import { LinkRecords } from '../links/link-records.ts';
import { Links } from '../links/links.ts';
import { systemClock } from '../network/system-clock.ts';
import type { Uploads } from '../transfer/uploads.ts';
import type { Records } from './build-records.ts';
import type { Closing } from './closing.ts';
import type { DataCore } from './data-core.ts';
import { DropBoxes } from './drop-boxes.ts';
import type { OpenFolder } from './open-folder.ts';

const sweepMilliseconds = 10 * 60_000;

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

export function buildDropBoxes(
  { catalog }: Pick<OpenFolder, 'catalog'>,
  { links, names }: { readonly links: Links } & Pick<Records, 'names'>,
  uploads: Uploads,
  opened: Closing,
): DropBoxes {
  const boxes = new DropBoxes({
    settings: catalog,
    clock: systemClock,
    uploads,
    isOpen: (id) => links.listLinks().some((link) => link.id === id && link.expiry > systemClock.wallTime()),
    isOwn: (name) => names.own(name) !== null,
  });
  // What cannot be freed is looked at again.
  const sweeping = setInterval(() => void boxes.sweep().catch(() => undefined), sweepMilliseconds).unref();
  opened.defer(() => clearInterval(sweeping));
  return boxes;
}
