// `wasm-engine inspect`: what a run directory holds. It reads, and never changes anything.

import { EngineError } from '../base/errors.ts';
import { type AgentFacts, gatherRun, type Happening, happenings, type RunFacts } from '../engine/index.ts';
import { payloadFields, payloadView } from './output-lines.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { isReaderGone, writeLine } from './standard-output.ts';

export interface InspectOptions {
  readonly tick?: number;
  readonly agent?: string;
  readonly json?: boolean;
}

/** Rows of a table that are shown at most. */
const agentsShownMax = 100;
/** Happenings of an agent that go into one object; the others are counted. */
const happeningsMax = 10_000;

export async function inspectCommand(runDirectory: string, options: InspectOptions): Promise<number> {
  const facts = gatherRun(runDirectory);
  const agent = findAgent(facts, options.agent, runDirectory);
  if (options.tick !== undefined) checkTick(facts, options.tick, runDirectory);
  const narrowed = options.tick !== undefined || agent !== undefined;
  if (options.json === true) {
    writeLine(await asJson(runDirectory, facts, agent, options));
  } else if (narrowed) {
    if (agent !== undefined) writeLine(agentText(agent));
    await eachHappening(runDirectory, options, (happening) => writeLine(happeningText(happening)));
  } else {
    for (const line of runText(runDirectory, facts)) writeLine(line);
  }
  return 0;
}

function findAgent(facts: RunFacts, name: string | undefined, path: string): AgentFacts | undefined {
  if (name === undefined) return undefined;
  const found = facts.agents.find((agent) => agent.name === name);
  if (found !== undefined) return found;
  const some = facts.agents.slice(0, 8).map((agent) => JSON.stringify(agent.name));
  const wanted = `wanted one of ${some.join(', ')}${facts.agents.length > 8 ? ', …' : ''}`;
  throw new EngineError('usage', `Cannot find an agent ${JSON.stringify(name)} in "${path}"; ${wanted}`);
}

function checkTick({ ticks }: RunFacts, tick: number, path: string): void {
  if (tick <= ticks) return;
  throw new EngineError('usage', `Cannot show tick ${tick} of "${path}": its last tick is ${ticks}`);
}

/** Stops when nobody reads any more, and lets what was written leave in between. */
async function eachHappening(
  path: string,
  { tick, agent }: InspectOptions,
  take: (happening: Happening) => void,
): Promise<void> {
  let count = 0;
  const wanted = { ...(tick !== undefined && { tick }), ...(agent !== undefined && { agent }) };
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
  options: InspectOptions,
): Promise<string> {
  const { tick } = options;
  const { manifest, ended, agents, ...totals } = facts;
  const run = { runDirectory, ...manifest, ended: ended ?? null, ...totals };
  if (tick === undefined && agent === undefined) return printableJson(JSON.stringify({ ...run, agents }));
  const found: string[] = [];
  let count = 0;
  await eachHappening(runDirectory, options, (happening) => {
    if (count++ < happeningsMax) found.push(happeningJson(happening));
  });
  const narrowed = {
    ...run,
    ...(tick !== undefined && { tick }),
    ...(agent && { agent }),
    happeningsCount: count,
  };
  return `${printableJson(JSON.stringify(narrowed)).slice(0, -1)},"happenings":[${found.join(',')}]}`;
}

function happeningJson({ payload, ...fields }: Happening): string {
  const shown = printableJson(JSON.stringify(fields));
  return payload === undefined ? shown : `${shown.slice(0, -1)},${payloadFields(payload)}}`;
}

function runText(path: string, facts: RunFacts): string[] {
  const { manifest, executed, ticks } = facts;
  const state = facts.ended === undefined ? 'still going, or cut off' : `ended: ${facts.ended}`;
  const rows: [string, string][] = [
    ['state', state],
    ['engine', `${manifest.engine}, on Node ${facts.node.replace(/^v/, '')}`],
    ['durability', manifest.durability],
    ['modules', grouped(facts.modules.length)],
    ['agents', grouped(facts.agents.length)],
    ['ticks', `${grouped(ticks)}${executed === ticks ? '' : ` (${grouped(executed)} executed)`}`],
    ['inputs', grouped(facts.inputs)],
    ['tasks', grouped(facts.tasks)],
    ['messages', grouped(facts.messages)],
    ['fuel', grouped(facts.fuel)],
    ['outputs', grouped(facts.outputs)],
    ['faults', grouped(facts.faults)],
    ['dropped', grouped(facts.dropped)],
    ['refused', `${grouped(facts.refusedCalls)} host calls`],
    ['digest', facts.digest || 'none yet'],
  ];
  const lines = [
    printable(path),
    ...rows.map(([label, value]) => `  ${label.padEnd(12)}${printable(value)}`),
  ];
  lines.push('', ...agentTable(facts.agents));
  if (facts.faults > 0) lines.push('', 'Faults');
  for (const { tick, message, kind } of facts.firstFaults)
    lines.push(`  tick ${tick}  ${kind}  ${printable(message)}`);
  const more = facts.faults - facts.firstFaults.length;
  if (more > 0) lines.push(`  and ${grouped(more)} more`);
  return lines;
}

function agentTable(agents: readonly AgentFacts[]): string[] {
  const shown = agents.slice(0, agentsShownMax);
  const head = ['agent', 'state', 'tasks', 'fuel', 'outputs', 'faults', 'dropped'];
  const rows = shown.map((agent) => [
    printable(agent.name),
    agent.state,
    ...[agent.tasks, agent.fuel, agent.outputs, agent.faults, agent.dropped].map(grouped),
  ]);
  const widths = head.map((label, i) => Math.max(label.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string => {
    const cells = row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
    return `  ${cells.join('  ')}`.trimEnd();
  };
  const more = agents.length - shown.length;
  return [line(head), ...rows.map(line), ...(more > 0 ? [`  and ${grouped(more)} more`] : [])];
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
