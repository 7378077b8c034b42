/**
 * `packages/ring/src`, `packages/chordial/src/records` and `packages/chordial/src/replication` run unchanged in the simulator: they, and every file that they import
 * at run time, reach no clock, timer, random number, socket or file except what is handed in. Type-only imports are free.
 *
 * One exception: outside the ring, pure functions of `node:crypto` (hashes, Ed25519 signatures and their keys) are allowed.
 */
import { importsOf, reachedFrom } from './imports.ts';
import { blank } from './source-text.ts';
import { isTest, type SourceFile } from './source-tree.ts';

const ring = 'packages/ring/src/';
/** What the package of the ring ships for tests. */
const ringTesting = `${ring}testing`;
const pureRooms = [ring, 'packages/chordial/src/records/', 'packages/chordial/src/replication/'] as const;

const deterministicCrypto = new Set([
  'hash',
  'createHash',
  'sign',
  'verify',
  'createPublicKey',
  'createPrivateKey',
  'timingSafeEqual',
  'KeyObject',
]);

const reaches: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a clock (Date)', pattern: /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())|(?<!new\s)\bDate\s*\(/ },
  { what: 'a clock (performance)', pattern: /(?<![.\w])performance\b(?!\s*[:=])/ },
  { what: 'a timer', pattern: /\b(?:setTimeout|setInterval|setImmediate)\b|\bAbortSignal\s*\.\s*timeout\b/ },
  { what: 'chance (Math.random)', pattern: /\bMath\s*\.\s*random\b/ },
  {
    what: 'chance (crypto)',
    pattern: /(?<![.\w])crypto\s*\.|\b(?:randomBytes|randomUUID|randomInt|getRandomValues)\b/,
  },
  // A call, not a method definition or an injected function of that name.
  {
    what: 'a socket (fetch, WebSocket)',
    pattern:
      /(?:[=(,?:![&|>]|\b(?:await|return|void|yield))[ \t]*fetch\s*\(|^\s*fetch\s*\([^)]*\)\s*[;.]|\bnew\s+(?:WebSocket|EventSource)\b/m,
  },
  { what: 'the process', pattern: /(?<![.\w])process\s*[.[]/ },
  { what: 'the whole of globalThis', pattern: /\bglobalThis\b/ },
];

export function impurities(files: readonly SourceFile[]): readonly string[] {
  const roots = files.filter(
    ({ path }) => !isTest(path) && !path.startsWith(ringTesting) && pureRooms.some((room) => path.startsWith(room)),
  );
  return [...reachedFrom(roots, files)].flatMap((file) => {
    const code = blank(file.text, 'code only');
    const found = reaches
      .filter(({ pattern }) => pattern.test(code))
      .filter(({ what }) => !what.includes('fetch') || !ownFetch.test(code))
      .map(({ what }) => `reaches ${what}`);
    const faults = [...found, ...nodeModules(file)];
    if (faults.length === 0) return [];
    const where = roots.includes(file) ? file.path : `${file.path} (reached from ${roomsReaching(file, roots, files)})`;
    return faults.map((fault) => `${where} ${fault}`);
  });
}

/** A parameter or constant named `fetch` hides the global one. */
const ownFetch = /[(,]\s*fetch\s*\??:|\b(?:const|let|function)\s+fetch\b/;

/** Called only for violations, so it may parse again. */
function roomsReaching(file: SourceFile, roots: readonly SourceFile[], files: readonly SourceFile[]): string {
  return roots
    .filter((root) => reachedFrom([root], files).has(file))
    .map((root) => root.path)
    .join(', ');
}

function nodeModules(file: SourceFile): readonly string[] {
  return importsOf(file)
    .filter(({ specifier, typeOnly }) => specifier.startsWith('node:') && !typeOnly)
    .filter(({ specifier }) => file.path.startsWith(ring) || !onlyDeterministic(file, specifier))
    .map(({ specifier }) => `imports ${specifier}`);
}

function onlyDeterministic(file: SourceFile, specifier: string): boolean {
  if (specifier !== 'node:crypto') return false;
  const lists = [...blank(file.text, 'strings').matchAll(/import\s*([^;]*?)\s*from\s*['"]node:crypto['"]/g)];
  return lists.every((match) => {
    const named = /^\{([^}]*)\}$/.exec(match[1] ?? '');
    if (named === null) return false;
    const names = (named[1] ?? '').split(',').map(
      (name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)[0] ?? '',
    );
    return names.filter((name) => name !== '').every((name) => deterministicCrypto.has(name));
  });
}
