// The state of a run, or of one agent, at a tick: as lines for people and as JSON.

import { hexRows } from '../base/hex-view.ts';
import {
  type AgentState,
  type AgentSummary,
  effectText,
  type InstanceFacts,
  type ModelView,
  type RunState,
} from '../engine/index.ts';
import { agentsShownMax } from './inspect-run.ts';
import { payloadFields, payloadView } from './output-lines.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { tableRows } from './table.ts';

/** Entries of a mailbox, an outbox or a list of globals that are shown at most. */
const entriesShownMax = 100;

export function stateLines({ tick, digest, agents, models, agent }: RunState, asked: number): string[] {
  const when =
    tick === asked
      ? `after tick ${grouped(tick)}`
      : `after tick ${grouped(tick)}, the last until ${grouped(asked)}`;
  const lines = [`State ${when}`, `  digest      ${digest}`];
  return [
    ...lines,
    ...(agent === undefined ? [...summaryTable(agents), ...modelTable(models)] : agentLines(agent)),
  ].map(printable);
}

function summaryTable(agents: readonly AgentSummary[]): string[] {
  const head = ['agent', 'identity', 'state', 'waiting', 'blocked', 'timers', 'restarts'];
  const rows = agents
    .slice(0, agentsShownMax)
    .map((agent) => [
      agent.name,
      agent.id,
      phaseText(agent),
      ...[agent.waiting, agent.blocked, agent.timers, agent.restarts].map(grouped),
    ]);
  const more = agents.length - rows.length;
  return [...tableRows([head, ...rows], 3), ...(more > 0 ? [`  and ${grouped(more)} more`] : [])];
}

function modelTable(models: readonly ModelView[]): string[] {
  if (models.length === 0) return [];
  const head = ['model', 'version', 'requests under way', 'texts among them', 'next due in tick'];
  const rows = models.map(({ id, version, requests }) => [
    id,
    version,
    grouped(requests.length),
    grouped(requests.filter(({ text }) => text !== undefined).length),
    requests.length === 0 ? '' : grouped(requests[0]!.dueTick),
  ]);
  return ['', ...tableRows([head, ...rows], 2)];
}

function phaseText({ phase, paused }: AgentSummary): string {
  return paused ? `${phase}, paused` : phase;
}

function agentLines(agent: AgentState): string[] {
  const { restarts, restartsMax, restartTick, subscriptions, channels } = agent;
  const back = restartTick === undefined ? '' : `, the next in tick ${grouped(restartTick)}`;
  const rows: [string, string][] = [
    ['agent', `${agent.name}, identity ${agent.id}`],
    ['declared as', agent.declaration],
    ['module', agent.module],
    ['state', phaseText(agent)],
    ['restarts', `${grouped(restarts)} of ${grouped(restartsMax)}${back}`],
    ['topics', names(subscriptions)],
    ['channels', names(channels)],
  ];
  return [
    ...rows.map(([label, value]) => `  ${label.padEnd(12)}${value}`),
    ...entries(
      'timers',
      agent.timersPending.map(({ number, dueTick, tag, fired }) => {
        return `${number}  due in tick ${grouped(dueTick)}  tag ${tag}${fired ? '  fired, its step waits' : ''}`;
      }),
    ),
    ...entries(
      'mailbox',
      agent.mailbox.map(({ sequence, kind, priority, from, topic, sentTick, attempts, payload }) => {
        const parts = [`${sequence}`, kind, from === undefined ? 'from outside' : `from ${from}`];
        if (topic !== undefined) parts.push(`topic ${topic}`);
        parts.push(`of tick ${grouped(sentTick)}`);
        if (priority !== 0) parts.push(`priority ${priority}`);
        if (attempts > 0) parts.push(`failed ${attempts} times`);
        if (payload.length > 0) parts.push(`payload ${payloadView(payload).json}`);
        return parts.join('  ');
      }),
    ),
    ...entries(
      'outbox',
      agent.outbox.map(
        (effect) => `${effect.sequence}  of tick ${grouped(effect.tick)}  ${effectText(effect)}`,
      ),
    ),
    ...instanceLines(agent.instance),
  ];
}

function instanceLines(instance: InstanceFacts | undefined): string[] {
  if (instance === undefined) return ['  instance    none: it has not begun, or has ended'];
  const { globals, memoryBytes, memorySha256, pages, pagesUsed, inbox, random, memory } = instance;
  const inboxText = inbox.bytes === 0 ? 'none' : `${grouped(inbox.bytes)} bytes at ${address(inbox.pointer)}`;
  return [
    ...entries(
      'globals',
      globals.map(({ index, name, type, value }) => `${name ?? `#${index}`}  ${type}  ${value}`),
    ),
    `  memory      ${grouped(memoryBytes)} bytes, ${pagesUsed} of ${pages} pages not all zero`,
    `  SHA-256     ${memorySha256}`,
    `  inbox       ${inboxText}`,
    `  random      ${random}`,
    ...(memory === undefined ? [] : memoryLines(memory, memoryBytes)),
  ];
}

function memoryLines({ start, bytes }: { start: number; bytes: Uint8Array }, memoryBytes: number): string[] {
  if (bytes.length === 0)
    return [`  memory from ${address(start)}: beyond its ${grouped(memoryBytes)} bytes`];
  return [`  memory from ${address(start)}`, ...hexRows(bytes, start).map((row) => `    ${row}`)];
}

function address(value: number): string {
  return `0x${value.toString(16)}`;
}

function entries(label: string, list: readonly string[]): string[] {
  if (list.length === 0) return [`  ${label.padEnd(12)}none`];
  const shown = list.slice(0, entriesShownMax).map((entry) => `    ${entry}`);
  const more = list.length - shown.length;
  return [
    `  ${label} (${grouped(list.length)})`,
    ...shown,
    ...(more > 0 ? [`    and ${grouped(more)} more`] : []),
  ];
}

function names(list: readonly string[]): string {
  return list.length === 0 ? 'none' : list.join(', ');
}

/** One object: payloads as they are shown everywhere, memory in base64. */
export function stateJson({ tick, digest, agents, models, agent }: RunState): string {
  const head = plain({ tick, digest, agents, models });
  return agent === undefined ? head : `${head.slice(0, -1)},"agent":${agentJson(agent)}}`;
}

function agentJson({ mailbox, outbox, instance, ...facts }: AgentState): string {
  const memory = instance?.memory;
  const shown = instance === undefined ? null : { ...instance, memory: undefined };
  const bytes = memory && { start: memory.start, base64: Buffer.from(memory.bytes).toString('base64') };
  const parts = [
    `"mailbox":[${mailbox.map(({ payload, ...task }) => withPayload(task, payload)).join(',')}]`,
    `"outbox":[${outbox.map(({ payload, ...effect }) => withPayload(effect, payload)).join(',')}]`,
    `"instance":${plain(shown && { ...shown, ...(bytes && { memory: bytes }) })}`,
  ];
  return `${plain(facts).slice(0, -1)},${parts.join(',')}}`;
}

function withPayload(fields: object, payload: Uint8Array | undefined): string {
  const shown = plain(fields);
  return payload === undefined ? shown : `${shown.slice(0, -1)},${payloadFields(payload)}}`;
}

function plain(value: unknown): string {
  return printableJson(JSON.stringify(value));
}
