/** Rules on documents: links lead somewhere, and the page of errors says what the code says. */
import path from 'node:path';
import { errorKinds } from '../../src/errors.ts';
import { settingFlag, settingName, settings, settingVariable } from '../../src/peer/settings.ts';
import type { SourceFile } from './source-tree.ts';

export const errorsPagePath = 'docs/errors.md';
export const configurationPagePath = 'docs/configuration.md';

/** Relative Markdown links that lead to no file or folder of the repository. */
export function deadLinks(files: readonly SourceFile[]): readonly string[] {
  const known = new Set(files.flatMap((file) => [file.path, ...foldersOf(file.path)]));
  return files
    .filter((file) => file.path.endsWith('.md'))
    .flatMap((file) =>
      linksOf(file.text)
        .filter((link) => !/^(?:[a-z]+:|#|\/)/i.test(link))
        .map((link) => path.posix.join(path.posix.dirname(file.path), decodeURIComponent(link.replace(/#.*$/, ''))))
        .map((target) => target.replace(/\/$/, ''))
        .filter((target) => !known.has(target))
        .map((target) => `${file.path}: link to ${target}, which is not there`),
    );
}

export function errorsPage(): string {
  const rows = Object.entries(errorKinds).map(([code, kind]) => [
    `\`${code}\``,
    `${kind.status}`,
    `${kind.exit}`,
    kind.title,
  ]);
  return `# Errors

Every failure that a person or a program can meet has one of these codes: in \`code\` of the problem+json body, and, with
\`--json\`, in the error that the command line prints. The sentence beside it says what was wrong, where, and what to do.
Written from \`packages/chordial/src/errors.ts\` by \`npm run docs\`; a test compares the two.

${table(['code', 'HTTP status', 'exit code', 'meaning'], rows)}
`;
}

export function configurationPage(): string {
  const rows = settings.map(({ key, argument, description, whenAbsent }) => [
    `\`${settingName(key)}\``,
    `\`${settingFlag(key)}${argument === '' ? '' : ` ${argument.toUpperCase().replaceAll('|', '\\|')}`}\``,
    `\`${settingVariable(key)}\``,
    description,
    whenAbsent,
  ]);
  return `# Configuration

A peer runs without any. Every setting is a key of \`chordial.toml\`, a flag of \`chordial start\` and a variable of the
environment; flags win over the environment, that over the file. The file is \`chordial.toml\` in the data folder, or the one
that \`--config FILE\` or \`CHORDIAL_CONFIG\` names. \`chordial config\`, with the same flags as \`start\`, shows every value and
where it comes from. A key that is none, or a bad value, is an error that names the key, the line and what would be right.

Settings marked _(founding)_ belong to the network: the peer that founds it chooses them, and a peer that joins takes them over; one
that says otherwise is told both values. Sizes take K, M, G or T (powers of 1024), times ms, s, m, h or d. Relative
folders in the file start at the folder of the file. There is no setting for the size of chunks: 1 MiB is a constant of the
CID profile \`unixfs-v1-2025\`, so that the same file has the same CID everywhere.

${table(['key', 'flag', 'variable', 'what it does', 'without it'], rows)}

Two more are for the environment only: \`CHORDIAL_API_TOKEN\`, the token of the API (made at the first start and kept in
the data folder when it is absent), and \`CHORDIAL_CONFIG\`. Commands that need a running peer find it through \`CHORDIAL_DATA\`
or \`CHORDIAL_API\` too.

\`\`\`toml
# chordial.toml, every key with a value it may have; all may be left out
${settings.map(({ example }) => `# ${example}`).join('\n')}
\`\`\`

Written from \`packages/chordial/src/peer/settings.ts\` by \`npm run docs\`; a test compares the two.
`;
}

/** Columns padded to their widest cell, as the formatter has them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function linksOf(markdown: string): readonly string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map((match) => match[1] ?? '');
}

function foldersOf(file: string): readonly string[] {
  const parts = file.split('/').slice(0, -1);
  return ['.', ...parts.map((_, index) => parts.slice(0, index + 1).join('/'))];
}
