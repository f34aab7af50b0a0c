// Why there is no text: an answer like any other. Its words are the same everywhere; the problem is for people.

import type { InferenceStatus } from '../../abi/tensor-list.ts';

export class Refused extends Error {
  readonly status: Exclude<InferenceStatus, 0>;
  readonly problem: string;

  constructor(status: Exclude<InferenceStatus, 0>, text: string, problem: string = text) {
    super(text);
    this.status = status;
    this.problem = problem;
  }
}
