/** docs/performance.md: the words stay as they are written there, the table between the marks is drawn from the results. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../test/results.ts';
import { questions } from './questions.ts';
import { type BenchResult, newestResults } from './results.ts';
import type { BenchRow } from './row.ts';

const page = path.join(root, 'docs/performance.md');
const begin = '<!-- drawn by npm run bench: begin -->';
const end = '<!-- drawn by npm run bench: end -->';

export async function drawPerformancePage(): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before === -1 || after < before) throw new Error('docs/performance.md has lost the marks around its tables.');
  const newest = await newestResults();
  const tables = questions.flatMap(({ name, about }) => {
    const result = newest.get(name);
    return result === undefined ? [] : [tableOf(about, result)];
  });
  await writeFile(page, `${text.slice(0, before + begin.length)}\n\n${tables.join('\n')}\n${text.slice(after)}`);
}

function tableOf(about: string, { question, at, commit, machine, runs, isQuick, rows, versions }: BenchResult): string {
  const how = [
    `\`npm run bench -- ${question}${isQuick ? ' --quick' : ''}\``,
    at.slice(0, 10),
    `commit ${commit}`,
    `${machine.cores} cores (${machine.processor})`,
    `${machine.memoryGigabytes} GB`,
    `load ${machine.load} at the start`,
    machine.kernel,
    `Node ${versions['node']}`,
    `${runs} ${runs === 1 ? 'run' : 'runs'}`,
  ];
  const lines = rows.map((row) => `| ${cells(row).map(escaped).join(' | ')} |`);
  const head = ['| what | ours | rival | ratio | target | verdict |', '|---|---|---|---|---|---|'];
  return [`### ${about}`, '', `${how.join(' · ')}`, '', ...head, ...lines, ''].join('\n');
}

function cells({ what, ours, rival, ratio, target, verdict }: BenchRow): readonly string[] {
  return [what, ours, rival, ratio, target, verdict];
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
