/**
 * The direction of imports between the rooms of docs/architecture.md. A room may import itself and the rooms named
 * beside it, nothing else.
 */
import { importsOf } from './imports.ts';
import type { SourceFile } from './source-tree.ts';

const leaf = ['errors', 'sentences'] as const;
const flow = ['flow', 'ring', ...leaf] as const;
const content = ['content', ...flow] as const;
const storage = ['storage', ...content] as const;
const wire = ['wire', ...content] as const;
const network = ['network', 'wire', ...storage] as const;
const lan = ['lan', ...network] as const;
const records = ['records', ...network] as const;
const replication = ['replication', ...records] as const;
const transfer = ['transfer', ...replication] as const;
const folders = ['folders', ...transfer] as const;
const sharing = ['sharing', ...transfer] as const;
const search = ['search', ...sharing] as const;
const links = ['links', ...transfer] as const;
const codes = ['codes', ...records] as const;
const reaching = ['reach', 'xml', ...network] as const;
const s3 = ['s3', 'xml', ...storage] as const;
const peer = ['peer', 'folders', 'lan', 'reach', 's3', 'xml', 'links', 'codes', ...search] as const;
const http = ['http', ...peer] as const;
const api = ['api', 'client', ...http] as const;
const door = ['door', 'client', ...http] as const;
const ringTesting = ['ring-testing', 'ring'] as const;
const simulation = ['simulation', 'ring-simulator', 'ring-testing'] as const;

/** What each room reaches. `cli` reaches `api` and `door`, since `start` serves them; they do not reach each other; nothing reaches `cli`. `client` is the
 * API as its callers see it: schemas and types of the operations, for the API, the page and the command line; it reaches nothing. */
const reach: Readonly<Record<string, readonly string[]>> = {
  errors: ['errors'],
  sentences: ['sentences'],
  xml: ['xml'],
  ring: ['ring'],
  'ring-testing': ringTesting,
  'ring-simulator': ['ring-simulator', ...ringTesting],
  flow,
  content,
  storage,
  wire,
  network,
  lan,
  records,
  replication,
  transfer,
  folders,
  sharing,
  search,
  links,
  codes,
  reach: reaching,
  s3,
  peer,
  http,
  api,
  door,
  client: ['client', 'sentences'],
  cli: ['cli', 'door', ...api],
  simulation: [...simulation, ...peer],
  test: ['test', 'cli', 'door', 'web', 'bench', ...simulation, ...api],
  web: ['web', 'client', 'flow', ...leaf],
  bench: ['bench', 'test', 'cli', 'door', ...simulation, ...api],
};

/** The only import of the simulator from the sources: the command that runs it. */
const simulateCommand = /^packages\/chordial\/src\/cli\/simulate[^/]*\.ts$/;

/** The package of the ring: what it ships to run, what it ships for tests, and what only this repository has of it. */
const ringPackage = 'packages/ring/';
const product = 'packages/chordial/';

/** The room of a path from the root; null when it is in none. `packages/chordial/src/errors.ts` is a room by itself. */
export function roomOf(file: string): string | null {
  if (file.startsWith(ringPackage)) {
    if (!file.startsWith(`${ringPackage}src/`)) return 'ring-simulator';
    return file.startsWith(`${ringPackage}src/testing`) ? 'ring-testing' : 'ring';
  }
  const inProduct = file.startsWith(product) ? file.slice(product.length) : file;
  const [top = '', second = ''] = inProduct.split('/');
  if (top === 'src') return second.replace(/\.ts$/, '');
  return Object.hasOwn(reach, top) ? top : null;
}

export function directionFaults(files: readonly SourceFile[]): readonly string[] {
  const faults: string[] = [];
  for (const file of files) {
    const room = roomOf(file.path);
    if (room === null) continue;
    const allowed = reach[room];
    if (allowed === undefined) {
      faults.push(`${file.path}: no room ${room}; add it to test/repository/rooms.ts and docs/architecture.md`);
      continue;
    }
    for (const { specifier, file: target } of importsOf(file)) {
      if (target === null) {
        if (isRingItself(file.path, room) && !specifier.startsWith('node:'))
          faults.push(`${file.path} imports ${specifier}`);
        continue;
      }
      const deep = specifier.startsWith('.') && target.startsWith(ringPackage) && !file.path.startsWith(ringPackage);
      if (deep) faults.push(`${file.path} imports ${target}: not through the entries of the package`);
      if (deep || mayImport(file.path, room, allowed, target)) continue;
      faults.push(`${file.path} (${room}) imports ${target}: not downward`);
    }
  }
  return faults;
}

/** What the package of the ring ships: it has no dependency. */
function isRingItself(file: string, room: string): boolean {
  return !file.endsWith('.test.ts') && (room === 'ring' || room === 'ring-testing');
}

function mayImport(from: string, room: string, allowed: readonly string[], target: string): boolean {
  if (target === `${product}package.json`) return true;
  const targetRoom = roomOf(target);
  if (targetRoom === null) return false;
  if (allowed.includes(targetRoom)) return true;
  if (from.endsWith('.test.ts')) {
    if (room === 'ring') return targetRoom === 'ring-testing' || target === `${ringPackage}test/ring-examples.ts`;
    if (target.startsWith('packages/chordial/test/') || targetRoom === 'ring-testing')
      return !from.startsWith(ringPackage);
  }
  return room === 'cli' && targetRoom === 'simulation' && simulateCommand.test(from);
}

/** Files that import each other in a circle, each circle once, as `a → b → a`. Type-only imports count: they tangle readers too. */
export function circles(files: readonly SourceFile[]): readonly string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file).flatMap(({ file: target }) => target ?? [])]));
  const found = new Set<string>();
  const finished = new Set<string>();

  const visit = (file: string, trail: readonly string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) {
      found.add(canonical(trail.slice(start)));
      return;
    }
    if (finished.has(file)) return;
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return [...found];
}

/** A cycle starting at its alphabetically first file, so that it is reported once. */
function canonical(circle: readonly string[]): string {
  const first = circle.indexOf([...circle].sort()[0] ?? '');
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return [...turned, turned[0]].join(' → ');
}
