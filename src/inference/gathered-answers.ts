// The answers of many requests, put together from several askings.

import type { ModelRun, RunAnswers } from './child-protocol.ts';

export class GatheredAnswers {
  readonly #answers: (Uint8Array | undefined)[] = [];
  readonly #problems: string[] = [];
  readonly #runs: ModelRun[] = [];
  readonly #runOf: number[] = [];
  #processBytes = 0;
  #missing: readonly number[];
  /** Where one asking answered them all. */
  #whole: RunAnswers | undefined;

  /** @param count of all requests */
  constructor(count: number) {
    const all: number[] = [];
    for (let place = 0; place < count; place++) all.push(place);
    this.#missing = all;
  }

  /** Places that have no answer yet, in order. */
  get missing(): readonly number[] {
    return this.#missing;
  }

  /** Takes what was answered of the requests at these places, which are in order. */
  add(places: readonly number[], added: RunAnswers): void {
    const { answers, problems, runs, runOf, processBytes } = added;
    const isFirst = this.#answers.length === 0 && places.length === this.#missing.length;
    if (isFirst && answers.every(({ length }) => length > 0)) {
      this.#whole = added;
      this.#missing = [];
      return;
    }
    places.forEach((place, i) => {
      if (answers[i]!.length === 0) return;
      this.#answers[place] = answers[i]!;
      this.#problems[place] = problems[i]!;
      this.#runOf[place] = runOf[i]! < 0 ? -1 : this.#runs.length + runOf[i]!;
    });
    for (const run of runs) this.#runs.push(run);
    if (processBytes > 0) this.#processBytes = processBytes;
    this.#missing = this.#missing.filter((place) => this.#answers[place] === undefined);
  }

  whole(): RunAnswers {
    if (this.#whole !== undefined) return this.#whole;
    return {
      answers: this.#answers as Uint8Array[],
      problems: this.#problems,
      runs: this.#runs,
      runOf: this.#runOf,
      processBytes: this.#processBytes,
    };
  }
}
