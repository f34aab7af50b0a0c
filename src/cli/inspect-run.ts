// What a run directory holds, as lines for people.

import type { AgentFacts, RunFacts } from '../engine/index.ts';
import { grouped, printable } from './printable.ts';
import { tableRows } from './table.ts';

/** Rows of a table that are shown at most. */
export const agentsShownMax = 100;

export function runText(path: string, facts: RunFacts): string[] {
  const { manifest, executed, ticks } = facts;
  const state = facts.ended === undefined ? 'still going, or cut off' : `ended: ${facts.ended}`;
  const rows: [string, string][] = [
    ['state', state],
    ['run', manifest.runId],
    ['engine', `${manifest.engine}, on Node ${facts.node.replace(/^v/, '')}`],
    ...originRows(manifest.origin),
    ...baseRows(manifest),
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

/** Where the record begins, if that is behind where the run did. */
function baseRows({ baseTick, origin }: RunFacts['manifest']): [string, string][] {
  if (baseTick === undefined || baseTick === origin?.tick) return [];
  return [['begins', `from tick ${grouped(baseTick)}: what was before was given up`]];
}

function originRows(origin: RunFacts['manifest']['origin']): [string, string][] {
  if (origin === undefined) return [];
  const { runId, name, tick, digest, changes } = origin;
  const changed = changes.length === 0 ? [['', 'nothing was changed'] as [string, string]] : [];
  return [
    ['fork of', `"${name}" (run ${runId}), from tick ${grouped(tick)}`],
    ['', `digest ${digest}`],
    ...changed,
    ...changes.map((change): [string, string] => ['', change]),
  ];
}

function agentTable(agents: readonly AgentFacts[]): string[] {
  const shown = agents.slice(0, agentsShownMax);
  const head = ['agent', 'state', 'tasks', 'fuel', 'outputs', 'faults', 'dropped'];
  const rows = shown.map((agent) => [
    printable(agent.name),
    agent.state,
    ...[agent.tasks, agent.fuel, agent.outputs, agent.faults, agent.dropped].map(grouped),
  ]);
  const more = agents.length - shown.length;
  return [...tableRows([head, ...rows], 2), ...(more > 0 ? [`  and ${grouped(more)} more`] : [])];
}
