/** Completion scripts for commands, flags and files, generated from the commands themselves. */
import type { ArgumentShape, CommandShape, Kind, OptionShape } from './command-shapes.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof shells)[number];

export function completionScript(shell: ShellName, commands: readonly CommandShape[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** Also for bash 3.2, which some systems still have: no associative arrays, no mapfile. */
function bash(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  return `# Completion of chordial for bash; made by "chordial completion bash".
_chordial_words() {
  COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_chordial_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

_chordial() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} flags=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    _chordial_words '${names} --help --version' "$current"
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(bashCommand).join('\n')}
  esac
}
complete -F _chordial chordial
`;
}

function bashCommand({ name, options, arguments: taken }: CommandShape): string {
  const valued = options.filter(({ value }) => value !== null);
  const cases = valued.map((option) => `        ${spellings(option).join(' | ')}) ${bashValue(option)}return ;;`);
  const flags = options.flatMap(spellings).join(' ');
  const rest = completable(taken);
  return `    ${name})
      flags='${flags}'
${cases.length === 0 ? '' : `      case $previous in\n${cases.join('\n')}\n      esac\n`}      case $current in
        -*) _chordial_words "$flags" "$current" ;;
        *) ${rest === null ? ':' : bashValue(rest).replace(/; $/, '')} ;;
      esac
      ;;`;
}

function bashValue({ kind, words }: { readonly kind: Kind; readonly words: readonly string[] }): string {
  if (kind === 'file') return `_chordial_files -f "$current"; `;
  if (kind === 'folder') return `_chordial_files -d "$current"; `;
  return kind === 'words' ? `_chordial_words '${words.join(' ')}' "$current"; ` : '';
}

function zsh(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`);
  return `#compdef chordial
# Completion of chordial for zsh; made by "chordial completion zsh".
_chordial() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(zshCommand).join('\n')}
  esac
}

if [ "$funcstack[1]" = "_chordial" ]; then
  _chordial "$@"
else
  compdef _chordial chordial
fi
`;
}

function zshCommand({ name, options, arguments: taken }: CommandShape): string {
  const specs = options.flatMap((option) => spellings(option).map((flag) => zshOption(flag, option)));
  const rest = completable(taken);
  const positional = rest === null ? [] : [quoted(`*:${colonsEscaped(rest.description)}:${zshAction(rest)}`)];
  return `    ${name}) _arguments \\\n${[...specs, ...positional].map((spec) => `      ${spec}`).join(' \\\n')} ;;`;
}

function zshOption(flag: string, option: OptionShape): string {
  const about = option.description.replace(/[[\]\\]/g, '\\$&');
  const value = option.value === null ? '' : `:${colonsEscaped(option.value)}:${zshAction(option)}`;
  return quoted(`*${flag}[${about}]${value}`);
}

function zshAction({ kind, words }: { readonly kind: Kind; readonly words: readonly string[] }): string {
  if (kind === 'file') return '_files';
  if (kind === 'folder') return '_files -/';
  // A space: a value without proposals.
  return kind === 'words' ? `(${words.join(' ')})` : ' ';
}

function fish(commands: readonly CommandShape[]): string {
  const lines = commands.flatMap(({ name, description, options, arguments: taken }) => {
    const seen = `-n '__fish_seen_subcommand_from ${name}'`;
    const rest = completable(taken);
    return [
      `complete -c chordial -n __fish_use_subcommand -a ${name} -d ${fishQuoted(description)}`,
      ...options.map((option) => `complete -c chordial ${seen} ${fishOption(option)}`),
      ...(rest === null
        ? []
        : [`complete -c chordial ${seen} ${rest.kind === 'words' ? fishWords(rest.words) : '-F'}`]),
    ];
  });
  return `# Completion of chordial for fish; made by "chordial completion fish".
complete -c chordial -f
${lines.join('\n')}
`;
}

function fishOption({ long, short, value, kind, words, description }: OptionShape): string {
  const flag = `-l ${long.slice(2)}${short === null ? '' : ` -s ${short.slice(1)}`}`;
  const values: Readonly<Record<Kind, string>> = {
    file: ' -r -F',
    folder: " -x -a '(__fish_complete_directories)'",
    words: ` -x ${fishWords(words)}`,
    text: ' -x',
  };
  return `${flag}${value === null ? '' : values[kind]} -d ${fishQuoted(description)}`;
}

function fishWords(words: readonly string[]): string {
  return `-a ${fishQuoted(words.join(' '))}`;
}

/** The argument that can be completed. */
function completable(taken: readonly ArgumentShape[]): ArgumentShape | null {
  return taken.find(({ kind }) => kind !== 'text') ?? null;
}

function spellings({ long, short }: OptionShape): readonly string[] {
  return short === null ? [long] : [short, long];
}

function colonsEscaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
