// Compiles one agent with the AssemblyScript compiler. The module depends on the sources and the versions of the
// packages alone, never on the folder, the time or the machine.

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import asc from 'assemblyscript/asc';
import { explainImports } from './imports.js';
import { JsonTransform } from './json-transform.js';
import { createReader } from './resolve.js';
import { EngineTransform, globalAliases } from './transform.js';

const entryName = 'wasm-engine-entry';
const outName = 'agent.wasm';

/** A warning about code inside a library is nothing that an author could act on. */
function concernsAuthor(text) {
  return !(text.includes('WARNING') && text.includes('in ~lib/'));
}

function argumentsOf(options, source) {
  const speed = options.optimize === 'speed';
  return [
    source,
    `${entryName}.ts`,
    '--outFile',
    outName,
    ...(speed ? ['-O3'] : ['-Oz']),
    '--runtime',
    'incremental',
    '--debug',
    '--initialMemory',
    String(options.initialMemoryPages ?? 4),
    '--runPasses',
    'duplicate-import-elimination',
    // json-as sets aside 1 MiB for a cache that is off.
    '--use',
    'JSON_CACHE_SIZE=128',
    ...globalAliases.flatMap((alias) => ['--use', alias]),
    ...(options.colors ? [] : ['--noColors']),
  ];
}

export async function compileAgent(options) {
  const write = options.write ?? ((text) => process.stderr.write(text));
  const entry = resolve(options.entry);
  const virtualFiles = new Map([[`${entryName}.ts`, 'export * from "@wasm-engine/assemblyscript/entry";\n']]);
  let binary;
  const { error } = await asc.main([...argumentsOf(options, basename(entry)), '--baseDir', dirname(entry)], {
    stderr: { isTTY: options.colors === true, write: (text) => void (concernsAuthor(text) && write(text)) },
    stdout: { isTTY: false, write: () => {} },
    readFile: createReader(virtualFiles),
    writeFile: (_name, contents) => void (binary = contents),
    listFiles: () => [],
    transforms: [JsonTransform, EngineTransform],
  });
  const failed = { ok: false, size: 0, imports: [] };
  if (error || binary === undefined) return failed;
  const { imports, problems } = explainImports(binary);
  if (problems.length > 0) {
    for (const problem of problems) write(`Cannot compile "${options.entry}": ${problem}\n`);
    return failed;
  }
  const outFile = resolve(options.outFile);
  await mkdir(dirname(outFile), { recursive: true });
  await writeFile(outFile, binary);
  return { ok: true, size: binary.length, imports };
}
