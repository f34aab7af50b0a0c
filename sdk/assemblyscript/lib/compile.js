// Compiles one agent with the AssemblyScript compiler. The module depends on the sources and the versions of the
// packages alone, never on the folder, the time or the machine.

import { mkdir, stat, writeFile } from 'node:fs/promises';
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

/** What is at a path, by whatever links; undefined where nothing is. */
const statOf = (path) => stat(path).catch(() => undefined);

/** What the compiler would not say, or not in words that name what was given. */
async function misplaced({ entry, outFile }) {
  const [source, out] = [await statOf(resolve(entry)), await statOf(resolve(outFile))];
  if (source === undefined) return 'there is no such file';
  if (!source.isFile() || !entry.endsWith('.ts')) return 'wanted a source file, called NAME.ts';
  if (out?.isDirectory() === true) return `its module would go to "${outFile}", which is a folder`;
  if (out?.isFile() === true && out.ino === source.ino && out.dev === source.dev)
    return `its module would go to "${outFile}", which is the source itself`;
  return undefined;
}

/** Answers why the module could not be written; undefined where it was. */
async function writeModule(outFile, binary) {
  try {
    await mkdir(dirname(resolve(outFile)), { recursive: true });
    await writeFile(resolve(outFile), binary);
    return undefined;
  } catch (error) {
    return `cannot write "${outFile}": ${error.message}`;
  }
}

export async function compileAgent(options) {
  const write = options.write ?? ((text) => process.stderr.write(text));
  const failed = { ok: false, size: 0, imports: [] };
  const refuse = (problem) => {
    write(`Cannot compile "${options.entry}": ${problem}\n`);
    return failed;
  };
  const problem = await misplaced(options);
  if (problem !== undefined) return refuse(problem);
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
  if (error || binary === undefined) return failed;
  const { imports, problems } = explainImports(binary);
  if (problems.length > 0) {
    for (const each of problems) refuse(each);
    return failed;
  }
  const unwritten = await writeModule(options.outFile, binary);
  if (unwritten !== undefined) return refuse(unwritten);
  return { ok: true, size: binary.length, imports };
}
