/** All attacks of the findings, from the files in `findings/`, each of which exports `attacks`; and their table. */
import { readdir } from 'node:fs/promises';
import { type FindingAttack, findings, type Outcome, Scene } from './finding.ts';

const folder = new URL('findings/', import.meta.url);

export async function findingAttacks(): Promise<readonly FindingAttack[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
  const modules = await Promise.all(files.map((name) => import(new URL(name, folder).href)));
  const all = modules.flatMap(({ attacks }: { readonly attacks: readonly FindingAttack[] }) => attacks);
  return all.toSorted((a, b) => findings.indexOf(a.finding) - findings.indexOf(b.finding));
}

/** Runs the long form of the findings in `only`, or of all. */
export async function playFindings(
  only: readonly string[],
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const attack of await findingAttacks()) {
    if (signal.aborted || (only.length > 0 && !only.includes(attack.finding))) continue;
    tell(`${attack.finding}: ${attack.title}`);
    const outcome = await Scene.play(attack, false);
    outcomes.push(outcome);
    tell(`${attack.finding}: ${outcome.held ? 'held' : 'NOT held'}: ${outcome.reached}`);
  }
  return outcomes;
}

/** One block per attack: verdict, finding and title, effect before and now. Findings without an attack come last. */
export function tableOf(outcomes: readonly Outcome[], only: readonly string[]): readonly string[] {
  const missing = findings.filter(
    (finding) =>
      (only.length === 0 || only.includes(finding)) && !outcomes.some(({ attack }) => attack.finding === finding),
  );
  return [
    ...outcomes.flatMap(({ attack, reached, held, healthMilliseconds }) => [
      `${held ? 'held' : 'NOT '}  ${attack.finding.padEnd(3)} ${attack.title}`,
      `          before: ${attack.before}`,
      `          now:    ${reached}; /healthz at most ${healthMilliseconds} ms`,
    ]),
    ...missing.map((finding) => `NOT   ${finding.padEnd(3)} no attack on real processes yet`),
  ];
}
