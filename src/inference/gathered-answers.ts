// The answers of many requests, put together from several askings.

import type { ModelRun, RunAnswers } from './child-protocol.ts';

export class GatheredAnswers {
  readonly #answers: (Uint8Array | undefined)[];
  readonly #problems: string[];
  readonly #runs: ModelRun[] = [];
  readonly #runOf: number[];
  #processBytes = 0;

  /** @param count of all requests */
  constructor(count: number) {
    this.#answers = new Array<Uint8Array | undefined>(count).fill(undefined);
    this.#problems = new Array<string>(count).fill('');
    this.#runOf = new Array<number>(count).fill(-1);
  }

  /** Places that have no answer yet, in order. */
  get missing(): number[] {
    return [...this.#answers.keys()].filter((place) => this.#answers[place] === undefined);
  }

  /** Takes what was answered of the requests at these places. */
  add(places: readonly number[], { answers, problems, runs, runOf, processBytes }: RunAnswers): void {
    places.forEach((place, i) => {
      if (answers[i]!.length === 0) return;
      this.#answers[place] = answers[i]!;
      this.#problems[place] = problems[i]!;
      if (runOf[i]! >= 0) this.#runOf[place] = this.#runs.length + runOf[i]!;
    });
    for (const run of runs) this.#runs.push(run);
    if (processBytes > 0) this.#processBytes = processBytes;
  }

  whole(): RunAnswers {
    return {
      answers: this.#answers.map((bytes) => bytes!),
      problems: this.#problems,
      runs: this.#runs,
      runOf: this.#runOf,
      processBytes: this.#processBytes,
    };
  }
}
