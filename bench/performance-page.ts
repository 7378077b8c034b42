/**
 * Writes docs/performance.md: the part between the marks is generated from the results, per question a table and the notes
 * of bench/notes/QUESTION.md. The text outside the marks is kept.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../packages/chordial/test/results.ts';
import { questions } from './questions.ts';
import { type BenchResult, newestResults } from './results.ts';
import type { BenchRow } from './row.ts';

const page = path.join(root, 'docs/performance.md');
const notes = path.join(root, 'bench/notes');
const begin = '<!-- drawn by npm run bench: begin -->';
const end = '<!-- drawn by npm run bench: end -->';

export async function drawPerformancePage(): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [before, after] = [text.indexOf(begin), text.indexOf(end)];
  if (before === -1 || after < before) throw new Error('docs/performance.md has lost the marks around its tables.');
  const newest = await newestResults();
  const screens: string[] = [];
  for (const { name, about } of questions) {
    const result = newest.get(name);
    if (result === undefined) continue;
    const note = await readFile(path.join(notes, `${name}.md`), 'utf8').catch(() => '');
    screens.push(note === '' ? tableOf(about, result) : `${tableOf(about, result)}\n${note}`);
  }
  await writeFile(page, `${text.slice(0, before + begin.length)}\n\n${screens.join('\n')}\n${text.slice(after)}`);
}

function tableOf(about: string, result: BenchResult): string {
  const { question, at, commit, machine, runs, isFull = false, seconds, rows, versions } = result;
  const how = [
    `\`npm run bench -- ${question}${isFull ? ' --full' : ''}\``,
    at.slice(0, 10),
    `commit ${commit}`,
    `${machine.cores} cores (${machine.processor})`,
    `${machine.memoryGigabytes} GB`,
    `load ${machine.load} at the start`,
    machine.kernel,
    `Node ${versions['node']}`,
    `${runs} ${runs === 1 ? 'run' : 'runs'}`,
    ...(seconds === undefined ? [] : [`took ${Math.round(seconds)} s`]),
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
