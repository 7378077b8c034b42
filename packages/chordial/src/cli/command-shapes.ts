/** The commands' options and arguments, read from their definitions: for completion, docs/cli.md and the man page. */
import type { Argument, Command, Option } from 'commander';

/** Kind of value: `words` is one of a few, `text` anything. */
export type Kind = 'file' | 'folder' | 'words' | 'text';

export interface OptionShape {
  /** `--data`. */
  readonly long: string;
  /** `-o`. */
  readonly short: string | null;
  /** `dir`; null for a switch. */
  readonly value: string | null;
  readonly kind: Kind;
  readonly words: readonly string[];
  readonly description: string;
  /** As shown to people; null when the description says it or there is none. */
  readonly whenAbsent: string | null;
  readonly variable: string | null;
}

export interface ArgumentShape {
  /** With brackets, as in `<path...>`. */
  readonly shown: string;
  readonly kind: Kind;
  readonly words: readonly string[];
  readonly description: string;
}

export interface CommandShape {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly arguments: readonly ArgumentShape[];
  readonly examples: readonly string[];
  /** What to know before use; usually empty. */
  readonly remarks: readonly string[];
}

export function shapeOf(command: Command): CommandShape {
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.map(optionShape), help],
    arguments: command.registeredArguments.map(argumentShape),
    ...textsOf(command),
  };
}

const help: OptionShape = {
  long: '--help',
  short: '-h',
  value: null,
  kind: 'text',
  words: [],
  description: 'shows arguments and options',
  whenAbsent: null,
  variable: null,
};

function optionShape(option: Option): OptionShape {
  const value = /[<[](.+)[>\]]/.exec(option.flags)?.[1] ?? null;
  const words = option.argChoices ?? [];
  return {
    long: option.long ?? '',
    short: option.short ?? null,
    value,
    kind: words.length > 0 ? 'words' : value === 'dir' ? 'folder' : kindOf(value ?? ''),
    words,
    description: option.description,
    whenAbsent: option.defaultValue === undefined ? null : String(option.defaultValue),
    variable: option.envVar ?? null,
  };
}

function argumentShape(argument: Argument): ArgumentShape {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  const words = argument.argChoices ?? [];
  return {
    shown: argument.required ? `<${name}>` : `[${name}]`,
    // A single file may be shared as well.
    kind: words.length > 0 ? 'words' : argument.name() === 'dir' ? 'file' : kindOf(argument.name()),
    words,
    description: argument.description,
  };
}

function kindOf(name: string): Kind {
  return name === 'file' || name === 'path' ? 'file' : 'text';
}

/** Commander keeps text before and after the help only as output. */
function textsOf(command: Command): Pick<CommandShape, 'examples' | 'remarks'> {
  let printed = '';
  command.configureOutput({ writeOut: (text) => (printed += text) });
  command.outputHelp();
  const [before = '', after = ''] = printed.split(command.helpInformation());
  const lines = (text: string): readonly string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  return { remarks: lines(before), examples: lines(after).filter((line) => line !== 'Example:') };
}
