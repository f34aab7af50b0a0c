// Runs of generated systems, in one way or another.

import { writeFileSync } from 'node:fs';
import { Orchestrator, openInput, type RunProgress } from '../../src/engine/index.ts';
import { createGenerated, type GeneratedSystem } from '../../src/engine/testing/generated-system.ts';
import { KeptOutputs } from '../../src/engine/testing/runs.ts';

export interface Choice {
  readonly workers?: number;
  readonly blocking?: boolean;
  readonly hook?: boolean;
  readonly trace?: 'none' | 'outcomes' | 'full';
  readonly durability?: 'tick' | 'batch' | 'none';
}

/** Every-tick agents and programs may go on for long; the chain needs no more than this. */
const ticks = 60;

export async function runGenerated(
  generated: GeneratedSystem,
  choice: Choice,
  folder: string,
): Promise<string[]> {
  const { trace = 'none', durability = 'none', hook = false, workers = 0, blocking = false } = choice;
  const system = await createGenerated(generated, { trace, durability });
  const outputs = new KeptOutputs();
  const orchestrator = await Orchestrator.create({
    system,
    runDirectory: folder,
    workers,
    blocking,
    outputs,
  });
  if (hook) {
    const wait = (): void => void performance.now();
    orchestrator.registerTelemetryHook({ tick: wait, turn: wait, messages: wait });
  }
  const input = `${folder}.jsonl`;
  writeFileSync(input, `${generated.lines.join('\n')}\n`);
  orchestrator.spawnAgent({ agent: 'child' });
  orchestrator.publish('den', { payload: new Uint8Array([6, 3, 1]) });
  orchestrator.pauseAgent('one/1');
  const onTick = (progress: RunProgress): void => {
    if (progress.executed === 4) orchestrator.stepAgent('one/1');
    if (progress.executed === 6) orchestrator.resumeAgent('one/1');
  };
  await orchestrator.run({ source: openInput(input), ticks, onTick });
  return outputs.texts;
}

/** What a record tells about the run itself: all but who kept it, and how. */
