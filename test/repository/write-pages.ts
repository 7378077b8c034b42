/** `npm run docs`: writes the pages and types that come from the code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeApi } from '../../src/api/server.ts';
import { root } from '../results.ts';
import { answersPath, answerTypes, operationsPath, operationTypes } from './api-types.ts';
import { configurationPage, configurationPagePath, errorsPage, errorsPagePath } from './documents.ts';

const api = await describeApi();
for (const [file, text] of [
  [errorsPagePath, errorsPage()],
  [configurationPagePath, configurationPage()],
  [answersPath, answerTypes(api)],
  [operationsPath, operationTypes(api)],
] as const) {
  writeFileSync(path.join(root, file), text);
  console.log(`wrote ${file}`);
}
