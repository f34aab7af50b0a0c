// Runs of measuring systems: a record on disk, digests on, nothing left behind.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSystem,
  Orchestrator,
  type OrchestratorOptions,
  type SystemDescription,
} from '../../src/engine/index.ts';

/** Builds a run of a system, gives it to `work`, and removes its record. */
export async function withRun<T>(
  description: SystemDescription,
  workers: number,
  work: (orchestrator: Orchestrator) => Promise<T>,
  options: Pick<OrchestratorOptions, 'outputs'> = {},
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));
  try {
    const system = await createSystem(description);
    const runDirectory = join(folder, 'run');
    const choice = { ...options, system, runDirectory, workers, blocking: true };
    const orchestrator = await Orchestrator.create(choice);
    try {
      return await work(orchestrator);
    } finally {
      await orchestrator.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
