/** All benchmark questions, in order. */
import { announcing } from './announce.ts';
import { drive } from './drive.ts';
import { getFromOneSource } from './get-one-source.ts';
import { getFromThreeSources } from './get-three-sources.ts';
import { growth } from './growth.ts';
import { handshakes } from './handshake.ts';
import { hashing } from './hash.ts';
import { joining } from './join.ts';
import { moveLargeFile } from './large-file.ts';
import { largeShare } from './large-share.ts';
import { lookups } from './lookups.ts';
import { putThreeCopies } from './put.ts';
import { restart } from './restart.ts';
import type { Question } from './row.ts';
import { sealedFiles } from './sealed.ts';
import { searching } from './search.ts';
import { hopsWithCache, hopsWithoutCache } from './simulated-hops.ts';
import { slowPaths } from './slow-path.ts';
import { smallFiles } from './small-files.ts';
import { startToReady } from './start.ts';
import { manyPeers, upkeep } from './upkeep.ts';

export const questions: readonly Question[] = [
  { name: 'get-one-source', about: 'A file got from one peer', measure: getFromOneSource },
  { name: 'get-three-sources', about: 'A file got from three peers', measure: getFromThreeSources },
  { name: 'put', about: 'A file put with three copies', measure: putThreeCopies },
  { name: 'small-files', about: 'Many small files', measure: smallFiles, runs: 1 },
  {
    name: 'drive',
    about: 'The drive: large files beside put, get and nginx, many small ones, a long list',
    measure: drive,
  },
  { name: 'sealed', about: 'Sealed files against plain ones', measure: sealedFiles },
  { name: 'hash', about: 'A file hashed for sharing', measure: hashing },
  { name: 'handshake', about: 'A new connection to a host met before', measure: handshakes },
  { name: 'lookups', about: 'Lookups in a warm network', measure: lookups },
  { name: 'hops', about: 'Nodes that a lookup contacts, without the cache', measure: hopsWithoutCache },
  { name: 'hops-cached', about: 'Nodes that a lookup contacts, with the cache', measure: hopsWithCache },
  { name: 'announce', about: 'Announcing a large share', measure: announcing },
  { name: 'share', about: 'A large share: index, memory, restart', measure: largeShare },
  { name: 'search', about: 'Searching by words', measure: searching },
  { name: 'restart', about: 'The restart of a peer that holds much', measure: restart },
  { name: 'large-file', about: 'A file of 10 GB, and the memory that it takes', measure: moveLargeFile },
  { name: 'upkeep', about: 'What a peer costs that does nothing', measure: upkeep },
  { name: 'join', about: 'Peers that come and peers that fall silent', measure: joining },
  { name: 'start', about: 'From start to ready', measure: startToReady },
  { name: 'many-peers', about: 'A file through 64 peers on one machine', measure: manyPeers },
  { name: 'slow-path', about: 'A file through a long way', measure: slowPaths, runs: 1 },
  { name: 'growth', about: 'How cost grows', measure: growth },
];
