/** `chordial completion SHELL`: prints the completion script. */
import { Argument, type Command } from 'commander';
import { type CommonOptions, command } from './command.ts';
import { shapeOf } from './command-shapes.ts';
import { completionScript, type ShellName, shells } from './completion-scripts.ts';
import { sayJson } from './output.ts';

/** `load` returns all commands. */
export function completionCommand(load: () => Promise<readonly Command[]>): Command {
  return command(
    'completion',
    'prints the completion script for bash, zsh or fish',
    [
      'chordial completion bash > ~/.local/share/bash-completion/completions/chordial',
      'chordial completion zsh > ~/.zfunc/_chordial',
      'chordial completion fish > ~/.config/fish/completions/chordial.fish',
    ].join('\n  '),
  )
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .action(async (shell: ShellName, options: CommonOptions) => {
      const script = completionScript(shell, (await load()).map(shapeOf));
      if (options.json) sayJson({ shell, script });
      else process.stdout.write(script);
    });
}
