/** `npm run docs`: writes the pages that come from the code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../results.ts';
import { configurationPage, configurationPagePath, errorsPage, errorsPagePath } from './documents.ts';

for (const [file, text] of [
  [errorsPagePath, errorsPage()],
  [configurationPagePath, configurationPage()],
] as const) {
  writeFileSync(path.join(root, file), text);
  console.log(`wrote ${file}`);
}
