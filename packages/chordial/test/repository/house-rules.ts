/** Rules on names and exports, and on text that must not be in the repository. */
import os from 'node:os';
import path from 'node:path';
import { root } from '../results.ts';
import { blank } from './source-text.ts';
import { type SourceFile, typescript } from './source-tree.ts';

const emptyNames = /^(?:utils?|common|helpers?|misc|managers?)$/i;

/** `node-utils.ts`, `utils/x.ts` and `peer-manager.ts` alike: the word says nothing about what is inside. */
export function emptyFileNames(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter((file) => file.path.split('/').some((part) => part.split(/[.\-_]/).some((word) => emptyNames.test(word))))
    .map((file) => `${file.path}: the name says nothing; name it after what it holds`);
}

export function defaultExports(files: readonly SourceFile[]): readonly string[] {
  return typescript(files)
    .filter((file) => /^\s*export\s+default\b|\bas\s+default\b/m.test(blank(file.text, 'code only')))
    .map((file) => `${file.path}: default export; export by name`);
}

const unfinished = /\b(?:TODO|FIXME|XXX)\b|\b(?:test|it|describe|suite)\s*\.\s*(?:skip|todo|only)\b/;

/** Marks of unfinished work, and tests that are skipped or that skip others. */
export function unfinishedWork(files: readonly SourceFile[]): readonly string[] {
  return typescript(files)
    .filter(
      ({ path: name }) => name.endsWith('.test.ts') || /^packages\/(?:ring|chordial\/(?:src|simulation))\//.test(name),
    )
    .filter((file) => unfinished.test(withoutStrings(file.text)))
    .map((file) => `${file.path}: unfinished work or a skipped test`);
}

/** Removes strings, such as those in tests of this rule; marks in comments count. */
function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''");
}

/** Words that a comment or message must not use. */
export const stiltedWords = [
  'whoever',
  'nobody',
  'anew',
  'lest',
  'of whom',
  'mend',
  'mends',
  'mended',
  'mending',
  'spoilt',
  'no matter who',
  'no matter whom',
  "no one's",
  'thick and fast',
  'under way',
  'broken off',
  'stead',
  'whence',
  'reckoned',
  'tell dead',
  'by rumour',
  'dear to',
  'ever other',
  'in the mean',
  'looks for itself',
  'is had',
  'comes in with',
  'begins so',
  'hitherto',
  'poke',
  'pokes',
  'poked',
  'tortured',
];
const stiltedPattern = new RegExp(`\\b(?:${stiltedWords.join('|')})\\b`, 'gi');
/** The account of that name. */
const unixUser = /\bUnix user nobody\b/g;

/** Plain English has other words: no one, anyone who, again, so that, repair, damaged, in progress, in flight, interrupted, instead, gossip, wake. */
export function stilted(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path: file }) => !file.startsWith('packages/chordial/test/repository/house-rules'))
    .flatMap(({ path: file, text }) =>
      [...text.replace(unixUser, '').matchAll(stiltedPattern)].map(([word]) => `${file}: “${word}”; say it plainly`),
    );
}

interface Trace {
  readonly what: string;
  readonly pattern: RegExp;
}

/** Traces of a particular machine. */
export function machineTraces(
  files: readonly SourceFile[],
  traces: readonly Trace[] = tracesOfThisMachine(),
): readonly string[] {
  return files.flatMap((file) =>
    traces.filter(({ pattern }) => pattern.test(file.text)).map(({ what }) => `${file.path}: names ${what}`),
  );
}

function tracesOfThisMachine(): readonly Trace[] {
  const traces: Trace[] = [
    {
      what: 'somebody’s home folder',
      pattern: /(?<![\w.~-])\/(?:home|Users)\/[a-z][\w.-]*\/\w|(?<![\w.~/-])\/root\/[\w.]/,
    },
    { what: 'a package registry', pattern: /https?:\/\/[^\s/'"`]*\bregistry\b/ },
  ];
  // A root such as /app could stand in any text; two folders deep is a trace.
  if (root.split(path.sep).length > 2) traces.push({ what: 'the folder of this clone', pattern: literal(root) });
  if (os.homedir().split(path.sep).length > 2)
    traces.push({ what: 'this home folder', pattern: literal(os.homedir()) });
  const registry = process.env['npm_config_registry'];
  if (registry !== undefined)
    traces.push({ what: 'this machine’s registry', pattern: literal(new URL(registry).host) });
  return traces;
}

function literal(text: string): RegExp {
  return new RegExp(text.replace(/[^\w/ -]/g, '\\$&'));
}
