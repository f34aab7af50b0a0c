// `wasm-engine replay`: a record executed again, every digest compared.

import { replayRun } from '../engine/index.ts';
import { grouped } from './printable.ts';
import { ProgressLine } from './progress-line.ts';
import { writeLine } from './standard-output.ts';

export interface ReplayOptions {
  readonly workers?: number;
  readonly from?: number;
  readonly json?: boolean;
}

export async function replayCommand(runDirectory: string, options: ReplayOptions): Promise<number> {
  const progress = new ProgressLine();
  const startedAtMs = performance.now();
  try {
    const summary = await replayRun(runDirectory, {
      workers: options.workers ?? 0,
      blocking: true,
      ...(options.from !== undefined && { from: options.from }),
      onTick: ({ tick }) => progress.update(() => `tick ${grouped(tick)} agrees`),
    });
    progress.clear();
    const elapsedMs = performance.now() - startedAtMs;
    if (options.json === true) {
      writeLine(
        JSON.stringify({ ...summary, agrees: true, runDirectory, durationMs: Math.round(elapsedMs) }),
      );
    } else {
      const { executed, ticks, digest, complete } = summary;
      const cut = complete ? '' : ' The run is still going, or was cut off; what is there agrees.';
      writeLine(`Every digest agrees: ${grouped(executed)} ticks up to tick ${grouped(ticks)}.${cut}`);
      writeLine(`  digest  ${digest}`);
      writeLine(`  time    ${(elapsedMs / 1000).toFixed(2)} s`);
    }
    return 0;
  } finally {
    progress.clear();
  }
}
