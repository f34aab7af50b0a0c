// Writes the JSON Schema of system files, for editors and for other tools. A test says when it is out of date.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderSystemJsonSchema } from '../src/engine/config/schema.ts';

const target = process.argv[2] ?? join(import.meta.dirname, '..', 'docs', 'system.schema.json');
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, renderSystemJsonSchema());
process.stdout.write(`wrote ${target}\n`);
