/**
 * The direction of imports between the rooms of docs/architecture.md. A room may import itself and the rooms named
 * beside it, nothing else.
 */
import { importsOf } from './imports.ts';
import type { SourceFile } from './source-tree.ts';

const leaf = ['errors'] as const;
const ring = ['ring', ...leaf] as const;
const content = ['content', ...ring] as const;
const storage = ['storage', ...content] as const;
const wire = ['wire', ...content] as const;
const network = ['network', 'wire', ...storage] as const;
const records = ['records', ...network] as const;
const replication = ['replication', ...records] as const;
const transfer = ['transfer', ...replication] as const;
const sharing = ['sharing', ...transfer] as const;
const search = ['search', ...sharing] as const;
const node = ['node', ...search] as const;
const api = ['api', ...node] as const;

/** What each room reaches. `cli` reaches `api`, since `start` serves it; nothing reaches `cli`. `client` is types and a
 * function of the API's document, for the page and the command line; it reaches nothing. */
const reach: Readonly<Record<string, readonly string[]>> = {
  errors: leaf,
  ring,
  content,
  storage,
  wire,
  network,
  records,
  replication,
  transfer,
  sharing,
  search,
  node,
  api,
  client: ['client'],
  cli: ['cli', 'client', ...api],
  simulation: ['simulation', ...node],
  test: ['test', 'cli', 'client', 'web', 'simulation', 'bench', ...api],
  web: ['web', 'client'],
  bench: ['bench', 'test', 'cli', 'simulation', ...api],
};

/** The one door from the sources into the simulator: the command that runs it. */
const simulateCommand = /^src\/cli\/simulate[^/]*\.ts$/;

/** The room of a path from the root; null when it is in none. `src/errors.ts` is a room by itself. */
export function roomOf(file: string): string | null {
  const [top = '', second = ''] = file.split('/');
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
    for (const { file: target } of importsOf(file)) {
      if (target === null || mayImport(file.path, room, allowed, target)) continue;
      faults.push(`${file.path} (${room}) imports ${target}: not downward`);
    }
  }
  return faults;
}

function mayImport(from: string, room: string, allowed: readonly string[], target: string): boolean {
  if (target === 'package.json') return true;
  const targetRoom = roomOf(target);
  if (targetRoom === null) return false;
  if (allowed.includes(targetRoom)) return true;
  if (from.endsWith('.test.ts') && target.startsWith('test/')) return true;
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

/** A circle written from its alphabetically first file on, so that it is found once. */
function canonical(circle: readonly string[]): string {
  const first = circle.indexOf([...circle].sort()[0] ?? '');
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return [...turned, turned[0]].join(' → ');
}
