// `wasm-engine instrument`: one module checked, and written as the engine runs it.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { assert, EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';
import { costTableVersion, instrument } from '../wasm/index.ts';
import { writeLine } from './standard-output.ts';

export interface InstrumentCommandOptions {
  readonly output: string;
  readonly ownImports?: boolean;
  readonly json?: boolean;
}

export function instrumentCommand(input: string, options: InstrumentCommandOptions): number {
  const bytes = attempt('read', input, 'module-missing', () => readFileSync(input));
  const result = instrument(bytes, { name: input, ownImports: options.ownImports === true });
  assert(WebAssembly.validate(result.bytes), 'V8 accepts an instrumented module');
  if (isSameFile(input, options.output)) {
    const text = `Cannot write ${JSON.stringify(options.output)}: it is the module that was read`;
    throw new EngineError('usage', text, { file: options.output });
  }
  attempt('write', options.output, 'run-failed', () => writeFileSync(options.output, result.bytes));
  const { memory, globals, exports } = result;
  const own = result.ownImports.map((item) => `${item.module}.${item.name}`);
  const imports = [...result.imports, ...own];
  const [bytesBefore, bytesAfter] = [bytes.length, result.bytes.length];
  if (options.json === true) {
    const facts = { input, output: options.output, bytesBefore, bytesAfter, costTableVersion };
    writeLine(JSON.stringify({ ...facts, memory, mutableGlobals: globals.length, imports, exports }));
    return 0;
  }
  const growth = (bytesAfter / Math.max(1, bytesBefore)).toFixed(2);
  writeLine(`${input}: ${bytesBefore} bytes; ${options.output}: ${bytesAfter} bytes (${growth} times)`);
  writeLine(`  imports  ${imports.join(', ') || 'none'}`);
  writeLine(`  exports  ${exports.join(', ') || 'none'}`);
  writeLine(`  memory   ${memory.pagesMin} to ${memory.pagesMax} pages of 64 KiB`);
  return 0;
}

function isSameFile(first: string, second: string): boolean {
  const [a, b] = [first, second].map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino && b.isFile();
}

function attempt<T>(verb: string, file: string, code: 'module-missing' | 'run-failed', work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new EngineError(code, `Cannot ${verb} ${JSON.stringify(file)}: ${failureText(error)}`, { file });
  }
}
