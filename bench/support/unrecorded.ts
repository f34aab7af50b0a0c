// A run without a record: the loop of a live run over a machine, with a recorder and a log that keep nothing. What a
// recorded run takes longer than this one is what the record costs.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { FaultPlaces } from '../../src/engine/fault-place.ts';
import { createSystem, type SystemDescription } from '../../src/engine/index.ts';
import { HostInputs } from '../../src/engine/input/host-inputs.ts';
import { SealedLines } from '../../src/engine/input/sealed-lines.ts';
import { LiveRun } from '../../src/engine/live/live-run.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { nodePorts } from '../../src/engine/ports.ts';
import { DurableLog } from '../../src/engine/record/durable-log.ts';
import { beginRecord } from '../../src/engine/record/open-record.ts';
import { type OutputRecord, Recorder } from '../../src/engine/record/recorder.ts';
import { RunTotals } from '../../src/engine/run-totals.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotSchedule } from '../../src/engine/snapshot/schedule.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { Machine } from '../../src/engine/turns/machine.ts';
import { openPool } from '../../src/engine/turns/open-pool.ts';
import type { Input } from '../../src/log/index.ts';
import { TelemetryHooks } from '../../src/telemetry/index.ts';

class NoRecorder extends Recorder {
  override sealed(): void {}

  override committed(): OutputRecord[] {
    return [];
  }
}

class NoLog extends DurableLog {
  override committed(): void {}
}

export interface UnrecordedRun {
  readonly machine: Machine;
  /** Runs so many ticks. */
  readonly run: (ticks: number) => Promise<void>;
}

/** Its first tick is executed, with these inputs; `folder` takes the beginning of a record that nothing follows. */
export async function unrecordedRun(
  description: SystemDescription,
  inputs: readonly Input[],
  folder: string,
): Promise<UnrecordedRun> {
  const system = await createSystem(description);
  const { config, host } = system;
  const pool = openPool(config, { workers: 0, blocking: true });
  const modules = await prepareModules(config, system.modules);
  const machine = new Machine({ config, modules, pool, sha256, residentAgentsMax: 4096 });
  machine.step(1, inputs);
  const { log, directory } = await beginRecord(join(folder, 'unrecorded'), system, nodePorts);
  const hostInputs = new HostInputs();
  const live = new LiveRun({
    machine,
    recorder: new NoRecorder(log, 'none', 0, new FaultPlaces(system)),
    durable: new NoLog({ ...host, log, mode: 'none', sink: undefined, inputs: hostInputs }),
    hostInputs,
    hooks: new TelemetryHooks(),
    totals: new RunTotals(machine.state),
    snapshots: new SnapshotSchedule(new SnapshotStore(directory), 0, config.run.tickMs),
    tickMs: config.run.tickMs,
    answerBytesPerTickMax: config.run.answerBytesPerTickMax,
    lines: new SealedLines(),
    clock: nodePorts.clock,
    inference: undefined,
  });
  const run = async (ticks: number): Promise<void> => {
    const end = new AbortController();
    const lastTick = machine.state.tick + ticks;
    const onTick = (): void => {
      if (machine.state.tick === lastTick) end.abort();
    };
    // A last tick keeps a run open whose agents only have steps of their own.
    await live.run(undefined, { signal: end.signal, onTick, ticks: lastTick + 2 });
    assert(machine.state.tick === lastTick, 'as many ticks as were asked for');
  };
  return { machine, run };
}
