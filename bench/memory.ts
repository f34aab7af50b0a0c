// What a resident agent costs in memory, beside what the engine costs without it. Each count has a process of its own,
// since memory that was given back still counts.

import { fork } from 'node:child_process';
import { join } from 'node:path';
import { median, shown } from './support/measure.ts';
import type { MemoryUse } from './support/memory-process.ts';

const counts = [1000, 10_000];
const runs = 3;

function measure(agentCount: number): Promise<MemoryUse> {
  const script = join(import.meta.dirname, 'support', 'memory-process.ts');
  const child = fork(script, [String(agentCount)], { execArgv: ['--expose-gc'] });
  return new Promise((resolve, reject) => {
    child.once('message', (use: MemoryUse) => resolve(use));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process of ${agentCount} agents ended with ${code}`)));
  });
}

const kinds: readonly (keyof MemoryUse)[] = ['resident', 'heap', 'virtual'];

/** Medians of several processes. */
async function medians(agentCount: number): Promise<MemoryUse> {
  const uses: MemoryUse[] = [];
  for (let i = 0; i < runs; i++) uses.push(await measure(agentCount));
  const [resident, heap, virtual] = kinds.map((kind) => median(uses.map((use) => use[kind])));
  return { resident: resident!, heap: heap!, virtual: virtual! };
}

console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians of ${runs} processes`);
const alone = await medians(1);
console.log(`engine with one agent: ${shown(alone.resident)} KiB resident`);
for (const count of counts) {
  const use = await medians(count);
  const each = (kind: keyof MemoryUse): string => shown((use[kind] - alone[kind]) / (count - 1));
  const reserved = Number.isNaN(use.virtual) ? '' : `, ${each('virtual')} KiB of address space`;
  console.log(
    `${count} agents, one page touched in each: ${each('resident')} KiB resident an agent ` +
      `(${each('heap')} of it JavaScript objects)${reserved}`,
  );
}
