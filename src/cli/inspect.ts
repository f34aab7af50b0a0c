// `wasm-engine inspect`: what a run directory holds. It reads, and never changes anything.

import { EngineError } from '../base/errors.ts';
import {
  type AgentFacts,
  gatherRun,
  type Happening,
  happenings,
  inspectState,
  type RunFacts,
  type RunState,
} from '../engine/index.ts';
import { complain } from './failure.ts';
import { runText } from './inspect-run.ts';
import { stateJson, stateLines } from './inspect-state.ts';
import { payloadFields, payloadView } from './output-lines.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { ProgressLine } from './progress-line.ts';
import { isReaderGone, writeLine } from './standard-output.ts';

export interface InspectOptions {
  readonly tick?: number;
  readonly agent?: string;
  readonly memory?: { readonly start: number; readonly length: number };
  /** False: the run is not executed again. */
  readonly state: boolean;
  readonly json?: boolean;
}

/** Happenings of an agent that go into one object; the others are counted. */
const happeningsMax = 10_000;

export async function inspectCommand(runDirectory: string, options: InspectOptions): Promise<number> {
  checkUsage(options);
  const facts = gatherRun(runDirectory);
  const agent = findAgent(facts, options.agent, runDirectory);
  if (options.tick !== undefined) checkTick(facts, options.tick, runDirectory);
  const state = options.state ? await readState(runDirectory, agent, options) : undefined;
  const narrowed = options.tick !== undefined || agent !== undefined;
  if (options.json === true) {
    writeLine(await asJson(runDirectory, facts, agent, state, options));
  } else if (narrowed) {
    if (agent !== undefined) writeLine(agentText(agent));
    if (state !== undefined) for (const line of [...stateLines(state, options.tick!), '']) writeLine(line);
    await eachHappening(runDirectory, options, agent, (happening) => writeLine(happeningText(happening)));
  } else {
    for (const line of runText(runDirectory, facts)) writeLine(line);
  }
  return 0;
}

function checkUsage({ tick, agent, memory, state }: InspectOptions): void {
  if (tick === undefined && !state)
    throw new EngineError('usage', 'Cannot use --no-state without --tick: no state is shown');
  if (memory === undefined) return;
  if (tick === undefined || agent === undefined || !state)
    throw new EngineError('usage', 'Cannot show memory: --memory needs --tick and --agent, and their state');
}

/** What the agents hold; a record that cannot be executed again shows at least what it tells. */
async function readState(
  path: string,
  agent: AgentFacts | undefined,
  { tick, memory }: InspectOptions,
): Promise<RunState | undefined> {
  if (tick === undefined) return undefined;
  const progress = new ProgressLine();
  try {
    return await inspectState(path, {
      tick,
      ...(agent !== undefined && { agent: agent.name }),
      ...(memory !== undefined && { memory }),
      onTick: (done) => progress.update(() => `going through the record: tick ${grouped(done)}`),
    });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'run-directory-invalid') throw error;
    progress.clear();
    complain('warning', `the state is not shown. ${error.message}`);
    return undefined;
  } finally {
    progress.clear();
  }
}

/** By name, or by identity as `origin.counter`. */
function findAgent(facts: RunFacts, name: string | undefined, path: string): AgentFacts | undefined {
  if (name === undefined) return undefined;
  const found = facts.agents.find((agent) => agent.name === name);
  if (found !== undefined) return found;
  const some = facts.agents.slice(0, 8).map((agent) => JSON.stringify(agent.name));
  const wanted = `wanted one of ${some.join(', ')}${facts.agents.length > 8 ? ', …' : ''}`;
  throw new EngineError('usage', `Cannot find an agent ${JSON.stringify(name)} in "${path}"; ${wanted}`);
}

function checkTick({ ticks, manifest }: RunFacts, tick: number, path: string): void {
  const { baseTick = 0 } = manifest;
  if (tick >= baseTick && tick <= ticks) return;
  const found = tick < baseTick ? `its record begins from tick ${baseTick}` : `its last tick is ${ticks}`;
  throw new EngineError('usage', `Cannot show tick ${tick} of "${path}": ${found}`);
}

/** Stops when nobody reads any more, and lets what was written leave in between. */
async function eachHappening(
  path: string,
  { tick }: InspectOptions,
  agent: AgentFacts | undefined,
  take: (happening: Happening) => void,
): Promise<void> {
  let count = 0;
  const wanted = { ...(tick !== undefined && { tick }), ...(agent !== undefined && { agent: agent.name }) };
  for (const happening of happenings(path, wanted)) {
    take(happening);
    if (++count % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (isReaderGone()) return;
  }
}

async function asJson(
  runDirectory: string,
  facts: RunFacts,
  agent: AgentFacts | undefined,
  state: RunState | undefined,
  options: InspectOptions,
): Promise<string> {
  const { tick } = options;
  const { manifest, ended, agents, ...totals } = facts;
  const run = { runDirectory, ...manifest, ended: ended ?? null, ...totals };
  if (tick === undefined && agent === undefined) return printableJson(JSON.stringify({ ...run, agents }));
  const found: string[] = [];
  let count = 0;
  await eachHappening(runDirectory, options, agent, (happening) => {
    if (count++ < happeningsMax) found.push(happeningJson(happening));
  });
  const narrowed = {
    ...run,
    ...(tick !== undefined && { tick }),
    ...(agent && { agent }),
    happeningsCount: count,
  };
  const shown = state === undefined ? '' : `"state":${stateJson(state)},`;
  return `${printableJson(JSON.stringify(narrowed)).slice(0, -1)},${shown}"happenings":[${found.join(',')}]}`;
}

function happeningJson({ payload, ...fields }: Happening): string {
  const shown = printableJson(JSON.stringify(fields));
  return payload === undefined ? shown : `${shown.slice(0, -1)},${payloadFields(payload)}}`;
}

function agentText(agent: AgentFacts): string {
  const { name, state, tasks, fuel, outputs, faults } = agent;
  const counts = `${grouped(tasks)} tasks, ${grouped(fuel)} fuel, ${grouped(outputs)} outputs, ${grouped(faults)} faults`;
  return `${printable(name)}: ${state}; ${counts}`;
}

/** `tick 3  output  trader/1  index 0  payload {…}` */
function happeningText({ tick, what, agent, payload, ...fields }: Happening): string {
  const rest = Object.entries(fields).map(([key, value]) => `${key} ${fieldText(value)}`);
  if (payload !== undefined) rest.push(`payload ${payloadView(payload).json}`);
  const who = agent === undefined ? [] : [agent];
  return printable([`tick ${tick}`, what.padEnd(6), ...who, ...rest].join('  '));
}

function fieldText(value: unknown): string {
  if (typeof value === 'number') return grouped(value);
  return typeof value === 'string' && /^[\w./-]+$/.test(value) ? value : JSON.stringify(value);
}
