// What a simulated run is about, drawn from its seed: a system of agents, the lines of its source, and the calls of the
// program that embeds it. Never what goes wrong.

import { type Capability, capabilities } from '../../src/abi/host-functions.ts';
import { EngineError } from '../../src/base/errors.ts';
import type { ModelDescription } from '../../src/engine/config/create-system.ts';
import { createSystem, type SystemDescription } from '../../src/engine/config/index.ts';
import {
  type Durability,
  durabilities,
  overflows,
  type Pace,
  policies,
  type System,
} from '../../src/engine/config/system-config.ts';
import type { Orchestrator } from '../../src/engine/index.ts';
import { agent } from '../../src/engine/testing/agents.ts';
import type { EventLogSizes } from '../../src/log/index.ts';
import type { Chance } from './chance.ts';
import { drawProgram } from './guest.ts';

/** A call of the embedding program. Its payload ends with its number. */
export interface Call {
  readonly number: number;
  /** Whether the record shows its number. */
  readonly marked: boolean;
  readonly make: (run: Orchestrator) => void | Promise<void>;
}

export interface Scenario {
  readonly ticks: number;
  readonly durability: Durability;
  readonly system: System;
  /** The source's bytes. */
  readonly lines: Uint8Array;
  /** What the program calls after each tick, before the next. */
  readonly calls: ReadonlyMap<number, readonly Call[]>;
  readonly workers: number;
  readonly logSizes: EventLogSizes;
  readonly journalEntriesMax: number | undefined;
  readonly pace: Pace;
  /** Whether the source's lines have to be waited for. */
  readonly slowSource: boolean;
  /** Whether a hook looks on. */
  readonly observed: boolean;
  /** Whether a life that goes on takes a snapshot before it does. */
  readonly snapshotAtStart: boolean;
}

/** The least module that counts as an agent: the simulated agents stand in its place. It has one mutable global. */
const module = agent({ before: '(global (mut i32) (i32.const 0))', memory: '1' });

export async function drawScenario(chance: Chance, ticks: number): Promise<Scenario> {
  const durability = chance.pick(durabilities);
  return {
    ticks,
    durability,
    system: await createSystem(describe(chance.of('system'), durability)),
    lines: drawLines(chance.of('lines'), ticks),
    calls: drawCalls(chance.of('calls'), ticks),
    workers: chance.pick([0, 1, 2, 2, 3, 4]),
    logSizes: {
      segmentBytesMax: chance.pick([6000, 40_000, 200_000, 1_000_000]),
      chunkBytesMax: chance.oneIn(8) ? 200 : chance.pick([3000, 16_000]),
    },
    journalEntriesMax: chance.oneIn(8) ? 2 : chance.pick([undefined, 40]),
    pace: chance.oneIn(5) ? 'wall-clock' : 'free',
    slowSource: chance.oneIn(3),
    observed: chance.oneIn(4),
    snapshotAtStart: chance.oneIn(4),
  };
}

function describe(chance: Chance, durability: Durability): SystemDescription {
  const limits = {
    fuelPerTask: 10_000,
    memoryPagesMax: 4,
    messageBytesMax: 300,
    mailboxMessagesMax: chance.pick([1, 2, 1000]),
    effectsPerTurnMax: chance.pick([3, 1000]),
    timersMax: 3,
  };
  const restartsMax = chance.pick([0, 1, 50, 1000]);
  const restart =
    restartsMax === 0
      ? undefined
      : {
          policy: chance.pick(['from-init', 'from-image'] as const),
          restartsMax,
          backoffTicks: chance.below(5),
          backoffTicksMax: 9,
          imageTicks: chance.between(2, 20),
        };
  const every: readonly Capability[] = capabilities;
  const common = { module, capabilities: every, limits, overflow: chance.pick(overflows), restart };
  return {
    run: {
      seed: chance.below(1000),
      policy: chance.pick(policies),
      ageTicks: chance.pick([0, 1, 5]),
      tasksPerTickMax: chance.pick([2, 5, 1000]),
      inputsPerTickMax: chance.pick([1, 1, 2, 3]),
      agentsMax: chance.pick([8, 10, 20]),
      answerBytesPerTickMax: chance.pick([1, 100, 2 ** 26]),
      onFault: chance.pick([undefined, 'one/0', 'ticking/1']),
    },
    host: {
      durability,
      snapshotsKept: chance.pick([0, 0, 1, 3]),
      batchTicks: chance.pick([1, 3, 20, 1000]),
      batchMs: chance.pick([1, 30, 1000]),
      trace: chance.oneIn(8) ? 'full' : chance.pick(['none', 'outcomes'] as const),
      residentAgentsMax: chance.oneIn(8) ? 1 : chance.pick([4, 4096, 4096]),
      snapshotTicks: chance.oneIn(25) ? 1 : chance.pick([0, 3, 7, 20, 50]),
    },
    agents: {
      one: { ...common, count: 4, subscriptions: ['A', 'B'], channels: ['den'] },
      ticking: { ...common, count: 2, everyTick: true, channels: ['den'], config: { some: 'configuration' } },
      child: { ...common, count: 0, subscriptions: ['B'] },
    },
    models: drawModels(chance),
    topics: { A: {}, B: { maxWaiting: chance.pick([undefined, 1]), overflow: chance.pick(overflows) } },
  };
}

/** Those that are not there at the start may be declared by a call. */
function drawModels(chance: Chance): Readonly<Record<string, ModelDescription>> {
  const oracle = drawModel(chance);
  return chance.pick([{}, { oracle }, { oracle, writer: drawModel(chance) }]);
}

function drawModel(chance: Chance): ModelDescription {
  return {
    folder: 'models',
    versions: { 1: '1'.repeat(64), 2: '2'.repeat(64) },
    version: chance.pick(['1', '2']),
    latencyTicks: chance.pick([1, 2, 5]),
    pendingMax: chance.pick([3, 1000]),
    pendingPerAgentMax: chance.pick([1, 50]),
  };
}

const receivers = ['one/0', 'one/1', 'one/2', 'one/3', 'ticking/0', 'ticking/1', '0.3', '1.1'] as const;

/** Some run out long before the run ends, some never do; some name their tick, some are broken. */
function drawLines(chance: Chance, ticks: number): Uint8Array {
  const count = chance.pick([3, Math.ceil(ticks / 2), ticks * 3]);
  const lines: string[] = [];
  const brokenIn = chance.pick([2, 20, 1000]);
  let tick = 0;
  for (let i = 0; i < count; i++) {
    const to = chance.oneIn(3)
      ? { topic: chance.pick(['A', 'B', 'den', 'none']) }
      : { agent: chance.pick(receivers) };
    const payload = { $base64: Buffer.from(drawProgram(chance)).toString('base64') };
    if (chance.oneIn(12)) tick += chance.skewed(10);
    const named = tick > 0 && chance.oneIn(6) ? { tick } : {};
    const priority = chance.oneIn(3) ? { priority: chance.between(-3, 3) } : {};
    const text = JSON.stringify({ ...to, payload, ...named, ...priority });
    lines.push(chance.oneIn(brokenIn) ? text.slice(0, -2) : text);
  }
  return new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));
}

function drawCalls(chance: Chance, ticks: number): Map<number, Call[]> {
  const calls = new Map<number, Call[]>();
  if (chance.oneIn(4)) return calls;
  const times = chance.between(1, Math.ceil(ticks / 2));
  for (let i = 0, number = 0; i < times; i++) {
    const tick = chance.oneIn(8) ? 0 : chance.below(ticks - 1);
    if (calls.has(tick)) continue;
    const count = chance.pick([1, 1, 2, 5]);
    calls.set(
      tick,
      Array.from({ length: count }, () => drawCall(chance, ++number)),
    );
  }
  return calls;
}

function drawCall(chance: Chance, number: number): Call {
  const payload = Uint8Array.of(...drawProgram(chance), 0, number >> 8, number & 255);
  const to = chance.pick(receivers.slice(0, 6));
  const priority = chance.between(-1, 1);
  const kind = chance.below(14);
  const model = drawModel(chance);
  const [topic, ends] = [chance.pick(['A', 'B']), chance.oneIn(6)];
  const make = (run: Orchestrator): void | Promise<void> => {
    if (kind < 5) run.send(to, { payload, priority });
    else if (kind === 5) run.publish(topic, { payload });
    else if (kind === 6) run.spawnAgent({ agent: 'child', payload });
    else if (kind === 7) run.scheduleTask(to, { payload, taskId: `task ${number}` });
    else if (kind === 8) run.pauseAgent(to);
    else if (kind === 9) run.resumeAgent(to);
    else if (kind === 10) run.joinChannel(to, 'den');
    else if (kind === 11)
      return useModel(run, number % 2 === 0 ? 'oracle' : 'writer', number % 3 === 0 ? '1' : '2');
    else if (kind === 12) return declareModel(run, number % 2 === 0 ? 'oracle' : 'writer', model);
    else if (ends) run.terminateAgent(to);
    else run.stepAgent(to);
    return undefined;
  };
  return { number, marked: kind < 8, make };
}

/** A model that is there already stays as it is. */
async function declareModel(run: Orchestrator, name: string, model: ModelDescription): Promise<void> {
  try {
    await untilLoaded(() => run.declareModel(name, model));
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'input-invalid')) throw error;
  }
}

/** A model that is not there, or not yet, cannot be used. */
async function useModel(run: Orchestrator, name: string, version: string): Promise<void> {
  try {
    await untilLoaded(() => run.useModel(name, version));
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'input-invalid')) throw error;
  }
}

/** A process that dies under a model that is loaded says nothing about the model: the program tries again. */
async function untilLoaded(load: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await load();
    } catch (error) {
      const isLost = error instanceof EngineError && ['model-refused', 'host-fault'].includes(error.code);
      if (!isLost || !/died/.test(error.message)) throw error;
    }
  }
}

/** The number of a call from its payload; undefined for a payload that is none. */
export function callNumber(payload: Uint8Array): number | undefined {
  if (payload.length < 3) return undefined;
  return payload[payload.length - 2]! * 256 + payload[payload.length - 1]!;
}
