// Runs a program of the checkout in the folder where npm was called: npm itself goes to the checkout's own folder, and
// whoever gives a path means it from where they stand.

import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [node = '', , program = '', ...words] = process.argv;
const path = join(dirname(import.meta.dirname), program);
process.argv = [node, path, ...words];
process.chdir(process.env.INIT_CWD ?? '.');
await import(pathToFileURL(path).href);
