// Inputs a second that a program gives to a run and that are acknowledged: sealed, executed by an agent, durable. The
// time is that from the first call to the last acknowledgement.

import { agentModule } from '../support/agents.ts';
import { median, report } from '../support/measure.ts';
import { withRun } from '../support/run.ts';

const agentCount = 100;
const inputsPerTick = 1000;
const ticks = 400;
const rounds = 5;

async function rate(durability: 'tick' | 'batch' | 'none'): Promise<number> {
  const agents = { sink: { module: await agentModule('sink'), count: agentCount } };
  const run = { seed: 1, tasksPerTickMax: 2 * inputsPerTick };
  return withRun({ run, host: { durability }, agents }, 0, async (orchestrator) => {
    const payload = new Uint8Array(32);
    const rates: number[] = [];
    let last: Promise<void> = Promise.resolve();
    for (let round = 0; round <= rounds; round++) {
      const startedMs = performance.now();
      const onTick = (): void => give(orchestrator.tick);
      const until = orchestrator.tick + ticks;
      const give = (tick: number): void => {
        if (tick >= until) return;
        for (let i = 0; i < inputsPerTick; i++) orchestrator.send(`0.${(i % agentCount) + 1}`, { payload });
        last = orchestrator.acknowledged();
      };
      give(orchestrator.tick);
      await orchestrator.settle({ onTick });
      await last;
      if (round > 0) rates.push((ticks * inputsPerTick * 1000) / (performance.now() - startedMs));
    }
    return median(rates);
  });
}

export async function reportInputs(): Promise<void> {
  const bounds = { tick: 20_000, batch: 100_000, none: 100_000 };
  for (const mode of ['tick', 'batch', 'none'] as const) {
    const must = bounds[mode];
    report(`acknowledged inputs, ${mode}`, await rate(mode), '1/s', { must, aim: 2 * must, low: false });
  }
}
