/** Generates docs/cli.md and the man page from the definitions of the commands. */
import packageJson from '../../package.json' with { type: 'json' };
import type { ArgumentShape, CommandShape, OptionShape } from '../../src/cli/command-shapes.ts';
import { errorKinds } from '../../src/errors.ts';
import { settingFlag, settings } from '../../src/peer/settings.ts';
import { table } from './documents.ts';

export const commandsPagePath = 'docs/cli.md';
export const manPagePath = 'packages/chordial/packaging/chordial.1';

const settingFlags = new Set(settings.map(({ key }) => settingFlag(key)));
const exits = [
  ['0', 'done'],
  ['1', 'it failed'],
  ['2', 'wrong usage'],
  ['3', 'something was not found'],
] as const;

export function commandsPage(commands: readonly CommandShape[]): string {
  const rows = commands.map(({ name, description }) => [`[\`${name}\`](#${name})`, description]);
  return `# Commands

Every command takes \`--json\` (results on standard output, everything said about them on standard error) and \`--help\`. It ends with
${exits.map(([code, meaning]) => `${code} (${meaning})`).join(', ')}; [errors](errors.md) have stable codes. A command that needs a running peer finds it
through \`--data DIR\` or \`--api URL\`. An argument is a CID if it parses as one, a key if written \`key:HEX\`, else a name; \`name:X\` forces a
name, and \`-\` means standard input or output. \`chordial completion\` makes a shell complete all of this.

${table(['command', 'does'], rows)}

${commands.map(section).join('\n')}
Written from \`packages/chordial/src/cli\` by \`npm run docs\`; a test compares the two.
`;
}

function section({ name, description, options, arguments: taken, examples, remarks }: CommandShape): string {
  const { own, takesSettings } = shownOptions(name, options);
  const rows = [
    ...taken.map((one) => [`\`${one.shown}\``, argumentText(one)]),
    ...own.map((one) => [`\`${spelling(one)}\``, optionText(one)]),
  ].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  return [
    `## ${name}\n`,
    `\`${synopsis(name, taken)}\`: ${description}.\n`,
    ...(remarks.length === 0 ? [] : [`${remarks.join('\n')}\n`]),
    ...(rows.length === 0 ? [] : [`${table(['takes', 'meaning'], rows)}\n`]),
    ...(takesSettings ? ['And every flag of [`start`](#start).\n'] : []),
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\`\n`,
  ].join('\n');
}

/** Sections as man(7) has them. */
export function manPage(commands: readonly CommandShape[]): string {
  const told = commands.flatMap(({ name, description, options, arguments: taken, examples, remarks }) => {
    const { own, takesSettings } = shownOptions(name, options);
    return [
      `.SS ${roff(synopsis(name, taken))}`,
      roff(`${description}.`),
      ...remarks.flatMap((remark) => ['.br', roff(remark)]),
      ...taken.flatMap((one) => ['.TP', `\\fI${roff(one.shown)}\\fR`, roff(argumentText(one))]),
      ...own.flatMap((one) => ['.TP', `\\fB${roff(spelling(one))}\\fR`, roff(optionText(one))]),
      ...(takesSettings ? ['.PP', 'And every flag of \\fBstart\\fR.'] : []),
      '.PP',
      'Example:',
      '.nf',
      ...examples.map(roff),
      '.fi',
    ];
  });
  const codes = Object.entries(errorKinds).flatMap(([code, { exit, title }]) => [
    '.TP',
    `\\fB${roff(code)}\\fR (${exit})`,
    roff(`${title}.`),
  ]);
  return `${[
    `.TH CHORDIAL 1 "" "chordial ${packageJson.version}" "User Commands"`,
    '.SH NAME',
    `chordial \\- ${roff(packageJson.description)}`,
    '.SH SYNOPSIS',
    '\\fBchordial\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR]',
    '.SH COMMANDS',
    'Every command takes \\fB\\-\\-json\\fR and \\fB\\-\\-help\\fR.',
    ...told,
    '.SH EXIT STATUS',
    ...exits.flatMap(([code, meaning]) => ['.TP', `\\fB${code}\\fR`, roff(`${meaning}.`)]),
    '.SH ERRORS',
    'Codes of failures, as \\fB\\-\\-json\\fR shows them, with the exit status.',
    ...codes,
  ].join('\n')}\n`;
}

/** `--json` and `--help` are every command's; the settings of a peer stand with `start` alone. */
function shownOptions(name: string, options: readonly OptionShape[]) {
  const particular = options.filter(({ long }) => long !== '--json' && long !== '--help');
  const takesSettings = name !== 'start' && particular.some(({ long }) => long === '--listen');
  const own = takesSettings
    ? particular.filter(({ long }) => long !== '--config' && !settingFlags.has(long))
    : particular;
  return { own, takesSettings };
}

function synopsis(name: string, taken: readonly ArgumentShape[]): string {
  return ['chordial', name, '[options]', ...taken.map(({ shown }) => shown)].join(' ');
}

function spelling({ long, short, value }: OptionShape): string {
  return `${short === null ? '' : `${short}, `}${long}${value === null ? '' : ` <${value}>`}`;
}

function argumentText({ description, words }: ArgumentShape): string {
  return words.length === 0 ? description : `${description}: ${words.join(', ')}`;
}

function optionText({ description, whenAbsent, variable, words }: OptionShape): string {
  const asides = [
    ...(words.length === 0 ? [] : [words.join(', ')]),
    ...(whenAbsent === null ? [] : [`default: ${whenAbsent}`]),
    ...(variable === null ? [] : [variable]),
  ];
  return asides.length === 0 ? description : `${description} (${asides.join('; ')})`;
}

/** Escapes hyphens, and lines that would be requests. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^['.]/, '\\&$&');
}
