/** `npm run docs`: writes the generated pages. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { argumentsOf } from '../../simulation/command-line.ts';
import { shapeOf } from '../../src/cli/command-shapes.ts';
import { allCommands } from '../../src/cli/program.ts';
import { root } from '../results.ts';
import { commandsPage, commandsPagePath, manPage, manPagePath } from './command-pages.ts';
import { configurationPage, configurationPagePath, errorsPage, errorsPagePath } from './documents.ts';

argumentsOf('usage: npm run docs\nwrites the pages that come from the code', {});

const commands = (await allCommands()).map(shapeOf);
for (const [file, text] of [
  [errorsPagePath, errorsPage()],
  [configurationPagePath, configurationPage()],
  [commandsPagePath, commandsPage(commands)],
  [manPagePath, manPage(commands)],
] as const) {
  writeFileSync(path.join(root, file), text);
  console.log(`wrote ${file}`);
}
