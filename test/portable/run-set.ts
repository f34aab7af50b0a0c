// A program: runs the set of modules and systems on the Node that runs it, and prints one line of JSON: the digest of
// each part. Arguments: the folder of the set, --workers N, --modules (no systems),
// --without PROTECTION (the same).
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { engineExport, memoryImport } from '../../src/abi/guest-exports.ts';
import { EngineError } from '../../src/base/errors.ts';
import { loadSystem, Orchestrator, openInput, type System } from '../../src/engine/index.ts';
import { createGenerated, type GeneratedSystem } from '../../src/engine/testing/generated-system.ts';
import { explainTrap, type InstrumentedModule, instrument } from '../../src/wasm/index.ts';
import { modelsDigest } from './portable-models.ts';
import type { PortableModule } from './portable-modules.ts';
import { textsDigest } from './portable-texts.ts';

type Explain = (error: Error) => string;
type Exports = Record<string, (...values: (number | bigint)[]) => unknown>;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '0' },
    without: { type: 'string' },
    modules: { type: 'boolean', default: false },
  },
});
const set = positionals[0]!;
const root = join(import.meta.dirname, '..', '..');

function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function readSet<T>(name: string): T {
  return JSON.parse(readFileSync(join(set, `${name}.json`), 'utf8')) as T;
}

function instrumented(module: PortableModule): InstrumentedModule {
  const bytes = Uint8Array.from(Buffer.from(module.bytes, 'base64'));
  const leftOut =
    options.without === undefined || options.without === 'refusal' ? {} : { [options.without]: false };
  return instrument(bytes, { name: module.name, protections: leftOut });
}

/** What a module's calls leave behind, as a digest. */
async function moduleDigest(module: PortableModule): Promise<string> {
  if (module.refused) return sha256(options.without === 'refusal' ? plainOutcome(module) : refusalOf(module));
  const { bytes, memory: limits, imports, globals, offsets } = instrumented(module);
  const explain = (error: Error): string =>
    JSON.stringify(explainTrap({ bytes, offsets }, error.stack ?? ''));
  const own = Math.max(limits.pagesMax, 1);
  const pagesMax = Math.min(module.pagesMax, own);
  const maximum = Math.min(module.pagesHostMax, own);
  const memory = new WebAssembly.Memory({ initial: limits.pagesMin, maximum, shared: true });
  if (module.endless && options.without === 'fuel') return stoppedByClock(bytes, memory, module);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
    wasm_engine: Object.fromEntries(imports.map((name) => [name, () => 5])),
    [memoryImport.module]: { [memoryImport.name]: memory },
  }) as unknown as { exports: Exports };
  exports[engineExport.memoryPagesMaxSet]!(pagesMax);
  exports[engineExport.fuelSet]!(1e9);
  const lines = [attempt(exports, 'init', () => exports[engineExport.init]!())];
  for (const { export: name, values, fuel, times } of module.calls) {
    const given = values.map((value) => (typeof value === 'string' ? BigInt(value) : value));
    for (let time = 0; time < times; time++) {
      exports[engineExport.fuelSet]!(fuel);
      lines.push(
        attempt(exports, name, () => exports[name]!(...given), module.explained ? explain : undefined),
      );
    }
  }
  const words = globals.flatMap(({ words: count }, position) =>
    Array.from({ length: count }, (_, word) => exports[engineExport.globalGet]!(position, word)),
  );
  return sha256(lines.join('\n'), words.join(), new Uint8Array(memory.buffer).slice(), sha256(bytes));
}

/** What the refusal says. */
function refusalOf(module: PortableModule): string {
  try {
    instrumented(module);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'module-refused') return error.message;
    throw error;
  }
  throw new Error(`Cannot compare: a module of the column "${module.name}" is not refused`);
}

/** What a refused module does as it is, where V8 takes it. */
function plainOutcome(module: PortableModule): string {
  try {
    const compiled = new WebAssembly.Module(Uint8Array.from(Buffer.from(module.bytes, 'base64')));
    const { all, memory } = new WebAssembly.Instance(compiled).exports as unknown as {
      all: () => void;
      memory?: WebAssembly.Memory;
    };
    all();
    return memory === undefined ? 'ran' : sha256(new Uint8Array(memory.buffer).slice(0, 64));
  } catch (error) {
    return error instanceof WebAssembly.CompileError ? 'refused by V8' : 'thrown';
  }
}

/** How one call ended; V8's words differ between versions, so a trap is only that. */
function attempt(exports: Exports, name: string, run: () => unknown, explain?: Explain): string {
  let end: string;
  let place = '';
  try {
    end = String(run());
  } catch (error) {
    end = error instanceof WebAssembly.RuntimeError ? 'trap' : 'host stack';
    place = explain?.(error as Error) ?? '';
  }
  return `${place}${name} ${end} ${exports[engineExport.status]!()} ${exports[engineExport.fuelGet]!()}`;
}

/** Without fuel only a clock can stop what does not end. */
async function stoppedByClock(
  bytes: Uint8Array<ArrayBuffer>,
  memory: WebAssembly.Memory,
  module: PortableModule,
): Promise<string> {
  if (module.name !== 'fuel') return 'left out';
  const code = `const { bytes, memory, name } = require('node:worker_threads').workerData;
    new WebAssembly.Instance(new WebAssembly.Module(bytes), { '${memoryImport.module}': { '${memoryImport.name}': memory } })
      .exports[name]();`;
  const worker = new Worker(code, {
    eval: true,
    workerData: { bytes, memory, name: module.calls[0]!.export },
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await worker.terminate();
  return sha256(new Uint8Array(memory.buffer).slice(0, 64));
}

/** Runs a system and answers the digest of its last tick and of its outputs. */
async function systemDigest(system: System, folder: string, ticks: number, input?: string): Promise<string> {
  const outputs = createHash('sha256');
  const orchestrator = await Orchestrator.create({
    system,
    runDirectory: folder,
    workers: Number(options.workers),
    outputs: { write: ({ agent, payload }) => void outputs.update(agent).update(payload) },
  });
  const source = openInput(input ?? system.host.inputFile!);
  const { digest } = await orchestrator.run({ source, ticks });
  return sha256(digest, outputs.digest());
}

/** The digest of each part of the set; parts of one name are folded into one. */
async function run(): Promise<Record<string, string>> {
  const parts = new Map<string, string>();
  const add = (name: string, digest: string): void => {
    parts.set(name, parts.has(name) ? sha256(parts.get(name)!, digest) : digest);
  };
  for (const module of readSet<PortableModule[]>('modules')) add(module.name, await moduleDigest(module));
  if (options.modules || options.without !== undefined) return Object.fromEntries(parts);
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-'));
  try {
    add('models', await modelsDigest(join(folder, 'models')));
    add('texts', await textsDigest(join(folder, 'texts')));
    for (const [name, ticks] of [
      ['hello', 20],
      ['market', 25],
    ] as const) {
      const system = await loadSystem(join(root, 'examples', name, 'system.toml'));
      add(name, await systemDigest(system, join(folder, name), ticks));
    }
    for (const [index, generated] of readSet<GeneratedSystem[]>('systems').entries()) {
      const input = join(folder, `${index}.jsonl`);
      writeFileSync(input, `${generated.lines.join('\n')}\n`);
      const system = await createGenerated(generated, { durability: 'none', trace: 'none' });
      add('generated', await systemDigest(system, join(folder, `generated-${index}`), 25, input));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return Object.fromEntries(parts);
}

process.stdout.write(`${JSON.stringify({ node: process.version, parts: await run() })}\n`);
