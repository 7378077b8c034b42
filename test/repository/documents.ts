/** Rules on documents: links lead somewhere, and the page of errors says what the code says. */
import path from 'node:path';
import { errorKinds } from '../../src/errors.ts';
import type { SourceFile } from './source-tree.ts';

export const errorsPagePath = 'docs/errors.md';

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
Written from \`src/errors.ts\` by \`npm run docs\`; a test compares the two.

${table(['code', 'HTTP status', 'exit code', 'meaning'], rows)}
`;
}

/** Columns padded to their widest cell, as the formatter has them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
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
