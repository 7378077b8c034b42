/** Every question of the bench, in the order in which they are asked. */
import { getFromOneSource } from './get-one-source.ts';
import { getFromThreeSources } from './get-three-sources.ts';
import { hashing } from './hash.ts';
import { putThreeCopies } from './put.ts';
import { restart } from './restart.ts';
import type { Question } from './row.ts';
import { smallFiles } from './small-files.ts';

export const questions: readonly Question[] = [
  { name: 'get-one-source', about: 'A file got from one peer', measure: getFromOneSource },
  { name: 'get-three-sources', about: 'A file got from three peers', measure: getFromThreeSources },
  { name: 'put', about: 'A file put with three copies', measure: putThreeCopies },
  { name: 'small-files', about: 'Many small files', measure: smallFiles },
  { name: 'hash', about: 'A file hashed for sharing', measure: hashing },
  { name: 'restart', about: 'The restart of a peer that holds much', measure: restart },
];
