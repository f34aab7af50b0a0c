// What a run came to, for a person and for a program.

import type { RunProgress, RunSummary } from '../engine/index.ts';
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
export function summaryText(name: string, summary: RunSummary, elapsedMs: number): string {
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
export function summaryJson(summary: RunSummary, elapsedMs: number): string {
  return JSON.stringify({ ...summary, durationMs: Math.round(elapsedMs) });
}
