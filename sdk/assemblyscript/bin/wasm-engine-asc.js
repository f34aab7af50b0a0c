#!/usr/bin/env node
// The command that compiles an agent: `wasm-engine-asc agent.ts -o agent.wasm`.

import { parseArgs } from 'node:util';
import { compileAgent } from '../lib/compile.js';

const usage = `Usage: wasm-engine-asc AGENT.ts [-o AGENT.wasm] [--speed] [--initial-memory PAGES]

  -o, --out FILE          where the module goes; the default is beside the source
      --speed             faster code instead of smaller
      --initial-memory N  pages of 64 KiB to begin with (4)
  -h, --help
`;

function refuse(problem) {
  process.stderr.write(`${problem}\n\n${usage}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' },
        speed: { type: 'boolean' },
        'initial-memory': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    return refuse(error.message);
  }
}

const { values, positionals } = parse();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const [entry] = positionals;
if (entry === undefined || positionals.length > 1)
  refuse(`One source file is wanted, ${positionals.length} were given.`);
const initialMemoryPages = Number(values['initial-memory'] ?? 4);
if (!Number.isInteger(initialMemoryPages) || initialMemoryPages < 1 || initialMemoryPages > 65_536) {
  refuse(`--initial-memory "${values['initial-memory']}" is not a number of pages, 1 to 65536.`);
}

const result = await compileAgent({
  entry,
  outFile: values.out ?? entry.replace(/(\.ts)?$/, '.wasm'),
  optimize: values.speed ? 'speed' : 'size',
  initialMemoryPages,
  colors: process.stderr.isTTY === true,
});
process.exitCode = result.ok ? 0 : 1;
