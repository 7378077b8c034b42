/** The file operations, one per file. */
import { parseCid } from '../content/cid.ts';
import { checkName } from '../content/name.ts';
import type { FilePorts } from './file-ports.ts';
import type { Files } from './files.ts';
import { getPath } from './get-path.ts';
import { FileListing } from './list-files.ts';
import { changingName, checkFits } from './publish.ts';
import { putFile, putPath } from './put-file.ts';
import { putFolder } from './put-folder.ts';
import { entryAt, readFile, walkFolder } from './read-file.ts';
import { releaseBlocks } from './release-blocks.ts';
import { resolve } from './resolve.ts';
import { shareResolver } from './share-resolver.ts';
import { liveCopies, statFile } from './stat-file.ts';

export function createFiles(ports: FilePorts): Files {
  const listing = new FileListing(ports);
  return {
    put: (name, source, options = {}) => putFile(ports, name, source, options),
    checkFits: (name, bytes) => checkFits(ports, checkName(name), bytes, {}),
    putPath: (name, path, options = {}) => putPath(ports, name, path, options),
    putFolder: (name, items, options = {}) => putFolder(ports, name, items, options),
    resolve: async (reference, options) => (await resolve(ports, reference, options)).entry,
    read: (cid, range, signal) => readFile(ports, cid, range, signal),
    walk: (cid, signal) => walkFolder(ports, cid, signal),
    entryAt: (cid, path, signal) => entryAt(ports, cid, path, signal),
    getPath: (reference, path, options = {}) => getPath(ports, reference, path, options),
    stat: (reference) => statFile(ports, reference),
    copiesOf: (cids, milliseconds) => liveCopies(ports, cids.map(parseCid), milliseconds),
    evidenceOf: async (name) => {
      const [put, shared] = await Promise.all([ports.names.find(name), shareResolver(ports, name)]);
      return [
        ...put.map(({ publisher, cid, size }) => ({ host: publisher, root: cid, size, isShared: false })),
        ...shared.map(({ source, cid, size }) => ({ host: source.host, root: cid, size, isShared: true })),
      ];
    },
    list: (options) => listing.page(options),
    remove: async (name) => {
      const checked = checkName(name);
      const { ended, sequence } = await changingName(ports, checked, ports.names.own(checked), () =>
        ports.names.end(checked),
      );
      ports.afterwards(releaseBlocks(ports, { name: ended.name, sequence }, ended.cid));
      ports.notify({ kind: 'removed', text: `Removed ${JSON.stringify(name)}.` });
    },
  };
}
