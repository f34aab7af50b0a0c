// One inference process for the runs of a test file, since starting one takes longer than most of what is asked of it.
// Sessions are as new to it as to another. Must not be published.

import { after } from 'node:test';
import { InferenceProcess } from '../../inference/index.ts';
import { openInferenceDesk } from '../models/inference-desk.ts';
import { nodePorts, type Ports } from '../ports.ts';

/** Outlives those that close it. */
class KeptProcess extends InferenceProcess {
  override close(): Promise<void> {
    return Promise.resolve();
  }

  end(): Promise<void> {
    return super.close();
  }
}

let kept: KeptProcess | undefined;
after(() => kept?.end());

export const keptPorts: Ports = {
  ...nodePorts,
  openInference: (of) =>
    openInferenceDesk(of, () => {
      if (kept === undefined || kept.lost) kept = new KeptProcess();
      return kept;
    }),
};
