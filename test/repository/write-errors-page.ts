/** `npm run docs`: writes the page of errors from the code. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../results.ts';
import { errorsPage, errorsPagePath } from './documents.ts';

writeFileSync(path.join(root, errorsPagePath), errorsPage());
console.log(`wrote ${errorsPagePath}`);
