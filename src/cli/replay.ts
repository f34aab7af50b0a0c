// `wasm-engine replay`: a record executed again, every digest compared.

import { EngineError } from '../base/errors.ts';
import { replayRun } from '../engine/index.ts';
import { grouped } from './printable.ts';
import { ProgressLine } from './progress-line.ts';
import { writeLine } from './standard-output.ts';

export interface ReplayOptions {
  readonly workers?: number;
  readonly from?: number;
  readonly recompute?: boolean;
  readonly models?: string;
  readonly json?: boolean;
}

export async function replayCommand(runDirectory: string, options: ReplayOptions): Promise<number> {
  if (options.models !== undefined && options.recompute !== true)
    throw new EngineError('usage', 'Cannot use --models without --recompute: a replay asks no model');
  const progress = new ProgressLine();
  const startedAtMs = performance.now();
  try {
    const summary = await replayRun(runDirectory, {
      workers: options.workers ?? 0,
      blocking: true,
      ...(options.from !== undefined && { from: options.from }),
      recompute: options.recompute ?? false,
      ...(options.models !== undefined && { modelsDirectory: options.models }),
      onTick: ({ tick }) => progress.update(() => `tick ${grouped(tick)} agrees`),
    });
    progress.clear();
    const elapsedMs = performance.now() - startedAtMs;
    if (options.json === true) {
      writeLine(
        JSON.stringify({ ...summary, agrees: true, runDirectory, durationMs: Math.round(elapsedMs) }),
      );
    } else {
      const { executed, ticks, digest, complete, recomputed } = summary;
      const cut = complete ? '' : ' The run is still going, or was cut off; what is there agrees.';
      writeLine(`Every digest agrees: ${grouped(executed)} ticks up to tick ${grouped(ticks)}.${cut}`);
      if (recomputed !== undefined) {
        const { answers, exact, difference } = recomputed;
        const rest =
          exact === answers ? '' : `; the others differ by ${(difference * 100).toFixed(3)}% at most`;
        writeLine(
          `  models  ${grouped(answers)} answers computed again, ${grouped(exact)} bit by bit${rest}`,
        );
      }
      writeLine(`  digest  ${digest}`);
      writeLine(`  time    ${(elapsedMs / 1000).toFixed(2)} s`);
    }
    return 0;
  } finally {
    progress.clear();
  }
}
