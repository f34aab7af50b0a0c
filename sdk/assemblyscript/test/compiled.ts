// Compiles an agent of test/agents for a test; what the compiler says is part of the failure.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileAgent } from '../lib/compile.js';

export interface Compiled {
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly imports: readonly string[];
  /** Everything that the compiler wrote. */
  readonly messages: string;
}

export async function compileFile(entry: string): Promise<Compiled> {
  const folder = await mkdtemp(join(tmpdir(), 'wasm-engine-asc-'));
  try {
    let messages = '';
    const outFile = join(folder, 'agent.wasm');
    const result = await compileAgent({ entry, outFile, write: (text) => void (messages += text) });
    const bytes = result.ok ? new Uint8Array(await readFile(outFile)) : undefined;
    return { bytes, imports: result.imports, messages };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The module of an agent that must compile without a word. */
export async function compiled(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes, messages } = await compileFile(join(import.meta.dirname, 'agents', `${name}.ts`));
  if (bytes === undefined || messages !== '')
    throw new Error(`Agent "${name}" did not compile:\n${messages}`);
  return bytes;
}
