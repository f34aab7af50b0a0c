// From original module bytes to compiled, instrumented modules, checked against what each declaration may do.

import { hostFunctions } from '../../abi/host-functions.ts';
import { assert, EngineError } from '../../base/errors.ts';
import { instrument } from '../../wasm/index.ts';
import type { ModuleSource, SystemConfig } from '../config/system-config.ts';
import { ModuleCache, type PreparedModule } from './module-cache.ts';

/** Of this process. Holds the modules of a few systems. */
const cache = new ModuleCache(16 * 2 ** 20);

export interface PreparedModules {
  /** One entry per distinct module. */
  readonly list: readonly PreparedModule[];
  /** The entry of each declaration. */
  readonly indexOfDeclaration: readonly number[];
}

/**
 * Instruments and compiles every module of a system once; what this process made before is used again.
 * @throws EngineError `module-refused` where a module is malformed, is not an agent, imports what does not exist or
 *   what its declaration does not allow, or needs more memory than its limit
 */
export async function prepareModules(
  config: SystemConfig,
  sources: ReadonlyMap<string, ModuleSource>,
): Promise<PreparedModules> {
  const indexOfHash = new Map<string, number>();
  const pending: Promise<PreparedModule>[] = [];
  for (const { module: hash } of config.agents) {
    if (indexOfHash.has(hash)) continue;
    indexOfHash.set(hash, pending.length);
    // V8 compiles one while the next is instrumented.
    pending.push(prepare(hash, sources.get(hash)));
  }
  const list = await Promise.all(pending);
  for (const agent of config.agents) {
    const source = sources.get(agent.module);
    checkDeclaration(agent, list[indexOfHash.get(agent.module)!]!, source?.files[0] ?? agent.module);
  }
  return { list, indexOfDeclaration: config.agents.map((agent) => indexOfHash.get(agent.module)!) };
}

async function prepare(hash: string, source: ModuleSource | undefined): Promise<PreparedModule> {
  if (source === undefined) {
    throw new EngineError('module-missing', `Cannot load module ${hash}: its bytes are not there`, { hash });
  }
  return cache.get(hash, source.bytes, async () => {
    const { bytes, ...facts } = instrument(source.bytes, { name: source.files[0] ?? hash, agent: true });
    return { ...facts, hash, compiled: await compile(bytes) };
  });
}

/** That V8 takes what the pass made is checked here, where it is compiled. */
async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    assert(false, `V8 accepts an instrumented module: ${error instanceof Error ? error.message : error}`);
  }
}

function checkDeclaration(agent: SystemConfig['agents'][number], module: PreparedModule, file: string): void {
  for (const name of module.imports) {
    const { capability } = hostFunctions[name];
    if (agent.capabilities.includes(capability)) continue;
    throw new EngineError(
      'module-refused',
      `Cannot load module "${file}" for agent "${agent.name}": it imports "wasm_engine.${name}", but the agent's ` +
        `capabilities do not name "${capability}"`,
      { agent: agent.name, file, import: name, capability },
    );
  }
  const { memoryPagesMax } = agent.limits;
  if (module.memory.pagesMin <= memoryPagesMax) return;
  throw new EngineError(
    'module-refused',
    `Cannot load module "${file}" for agent "${agent.name}": its memory begins with ${module.memory.pagesMin} pages, ` +
      `and the agent's limit "memoryPagesMax" is ${memoryPagesMax}`,
    { agent: agent.name, file, pagesMin: module.memory.pagesMin, memoryPagesMax },
  );
}
