// What a run came to, for a person and for a program.

import type { ModelStatistics, RunProgress, RunSummary } from '../engine/index.ts';
import { grouped, printable } from './printable.ts';

const reasons: Readonly<Record<RunSummary['reason'], string>> = {
  quiescence: 'done: the inputs have ended and nothing is left to do',
  ticks: 'done: the last tick is reached',
  interrupted: 'interrupted: it can go on',
};

/** The line of progress. */
export function progressText({ ticks, messages, faults }: RunProgress, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? grouped((messages * 1000) / elapsedMs) : '0';
  const failed = faults === 0 ? '' : `  ${grouped(faults)} faults`;
  return `tick ${grouped(ticks)}  ${grouped(messages)} messages  ${rate}/s${failed}`;
}

/** Lines for a person. */
export function summaryText(
  name: string,
  summary: RunSummary,
  elapsedMs: number,
  models: readonly ModelStatistics[] = [],
): string {
  const { ticks, executed, digest, runDirectory } = summary;
  const jumped = executed === ticks ? '' : ` (${grouped(executed)} executed)`;
  const rows: [string, string][] = [
    ['agents', grouped(summary.agents)],
    ['ticks', grouped(ticks) + jumped],
    ['tasks', grouped(summary.tasks)],
    ['messages', grouped(summary.messages)],
    ['fuel', grouped(summary.fuel)],
    ['faults', grouped(summary.faults)],
    ['dropped', grouped(summary.dropped)],
    ['outputs', grouped(summary.outputs)],
    ['bad lines', grouped(summary.badLines)],
    ...models.map((model): [string, string] => ['model', modelText(model)]),
    ['digest', digest],
    ['record', printable(runDirectory)],
    ['time', `${(elapsedMs / 1000).toFixed(2)} s`],
  ];
  const optional = new Set(['dropped', 'bad lines']);
  const shown = rows.filter(([label, value]) => value !== '0' || !optional.has(label));
  const lines = shown.map(([label, value]) => `  ${label.padEnd(10)}${value}`);
  return `${printable(name)}: ${reasons[summary.reason]}\n${lines.join('\n')}\n`;
}

/** The object that ends standard output under `--json`. */
export function summaryJson(
  summary: RunSummary,
  elapsedMs: number,
  models: readonly ModelStatistics[] = [],
): string {
  const listed = models.map(({ batches, ...rest }) => ({ ...rest, batches: Object.fromEntries(batches) }));
  const rest = listed.length === 0 ? {} : { models: listed };
  return JSON.stringify({ ...summary, durationMs: Math.round(elapsedMs), ...rest });
}

/** A run may answer several requests; what is beside it, waiting and crossing, is told for one request. */
function modelText(model: ModelStatistics): string {
  const { requests, failures, batches, bytes } = model;
  const ms = (micros: number, count: number): string =>
    `${(micros / 1000 / Math.max(count, 1)).toFixed(2)} ms`;
  const runs = [...batches.values()].reduce((sum, batch) => sum + batch.runs, 0);
  return [
    `${printable(model.model)}/${printable(model.version)} on ${model.provider}`,
    `${grouped(requests)} requests${failures === 0 ? '' : ` (${grouped(failures)} failed)`}`,
    `${grouped(runs)} runs of ${ms(model.computeMicros, runs)}`,
    `${ms(model.queueMicros, requests)} beside them`,
    `${(bytes / 2 ** 20).toFixed(1)} MiB`,
  ].join(', ');
}
