// The executors of a run: hands them their streams, and puts others, told everything again, in the place of those that
// are lost, so that nobody can see it. One that is lost too often ends the run as a fault of the host.

import { assert, EngineError } from '../../base/errors.ts';
import type { MemorySpec, Pool, ResultStreams, WordBuffer } from '../../sandbox/index.ts';
import type { TurnRunnerOptions } from './turn-runner.ts';
import { TurnStreams } from './turn-streams.ts';
import { journalEntriesDefault, type SavedAgent, WorkerJournal } from './worker-journal.ts';

/** An executor that is lost so often on one stream will be lost again. */
const lossesPerStreamMax = 3;
/** Losses that are borne beside one for each so many streams. */
const lossesMax = 100;
const streamsPerLoss = 20;

export class Executors {
  readonly #options: TurnRunnerOptions;
  readonly #isResident: (agentNumber: number, executor: number) => boolean;
  readonly #journals: readonly WorkerJournal[];
  /** Per executor, losses less those that the streams run since have made good; never below 0. */
  readonly #losses: number[];

  /** @param isResident whether an agent has its instance on an executor now */
  constructor(options: TurnRunnerOptions, isResident: (agentNumber: number, executor: number) => boolean) {
    this.#options = options;
    this.#isResident = isResident;
    const { pool, journalEntriesMax = journalEntriesDefault } = options;
    const count = pool.canLose ? pool.size : 0;
    this.#journals = Array.from({ length: count }, () => new WorkerJournal(journalEntriesMax));
    this.#losses = this.#journals.map(() => 0);
  }

  /** Whether any journal has become long. */
  get isCheckpointDue(): boolean {
    return this.#journals.some((journal) => journal.isLong);
  }

  /** What the residents are now takes the place of the journals. */
  checkpoint(residents: readonly SavedAgent[]): void {
    for (const [executor, journal] of this.#journals.entries()) {
      journal.checkpoint(residents.filter(({ agent }) => this.#isResident(agent.number, executor)));
    }
  }

  /** Makes a memory for the next stream. */
  provide(executor: number, spec: MemorySpec): void {
    this.#journals[executor]?.addMemory(spec);
    this.#options.pool.provideMemory(executor, spec);
  }

  /**
   * Runs the streams, noting them first; executors that are lost meanwhile are rebuilt.
   * @throws EngineError `host-fault` where one is lost too often
   */
  run(streams: readonly (WordBuffer | undefined)[]): ResultStreams | Promise<ResultStreams> {
    for (const [executor, journal] of this.#journals.entries()) {
      const stream = streams[executor];
      if (stream === undefined) continue;
      journal.addStream(stream);
      this.#losses[executor] = Math.max(0, this.#losses[executor]! - 1 / streamsPerLoss);
    }
    const results = this.#options.pool.run(streams);
    if (results instanceof Promise) return results.then((ready) => this.#mend(ready));
    return results.includes('lost') ? this.#mend(results) : results;
  }

  async #mend(results: ResultStreams): Promise<ResultStreams> {
    if (!results.includes('lost')) return results;
    const mended: ResultStreams[number][] = results.map((result) =>
      // The others run again below: what they answered lies where the next run writes.
      result === undefined || result === 'lost'
        ? result
        : { words: result.words.slice(0, result.used), used: result.used },
    );
    for (const [executor, result] of mended.entries()) {
      if (result === 'lost') mended[executor] = await this.#rebuild(executor);
    }
    return mended;
  }

  /** A new executor that is told everything since the last checkpoint; answers what came of the last stream. */
  async #rebuild(executor: number): Promise<ResultStreams[number]> {
    const { pool } = this.#options;
    const journal = this.#journals[executor];
    assert(journal !== undefined, 'only executors with a journal are lost');
    for (let losses = 1; losses <= lossesPerStreamMax; losses++) {
      this.#losses[executor]!++;
      if (this.#losses[executor]! > lossesMax) break;
      pool.replace(executor);
      const last = await this.#tellAgain(executor, journal);
      if (last === 'lost') continue;
      this.#releaseStale(executor, journal);
      return last;
    }
    const often = this.#losses[executor]! > lossesMax ? 'again and again' : 'whenever it is put to work';
    throw new EngineError('host-fault', `Cannot go on: worker ${executor} is lost ${often}`, {
      worker: executor,
    });
  }

  async #tellAgain(executor: number, journal: WorkerJournal): Promise<ResultStreams[number]> {
    const { pool, modules } = this.#options;
    const alone = async (stream: Parameters<Pool['run']>[0][number]): Promise<ResultStreams[number]> =>
      (await pool.run(Array.from({ length: pool.size }, (_, i) => (i === executor ? stream : undefined))))[
        executor
      ];
    const streams = new TurnStreams(pool.size);
    streams.begin(0, 0, false);
    for (const { agent, memory, state } of journal.base) {
      pool.provideMemory(executor, memory);
      const moduleIndex = modules.indexOfDeclaration[agent.declarationIndex]!;
      streams.writers[executor]!.restore(agent, moduleIndex, state);
    }
    let last = await alone(streams.end()[executor]);
    for (const { memories, stream } of journal.entries) {
      if (last === 'lost') break;
      for (const spec of memories) pool.provideMemory(executor, spec);
      last = await alone(stream);
    }
    if (last === undefined || last === 'lost') return last;
    return { words: last.words.slice(0, last.used), used: last.used };
  }

  /** Memories of agents that had an instance at some time since the checkpoint, and have none now. */
  #releaseStale(executor: number, journal: WorkerJournal): void {
    const told = [
      ...journal.base.map(({ memory }) => memory),
      ...journal.entries.flatMap(({ memories }) => memories),
    ];
    for (const { agentNumber } of told) {
      if (!this.#isResident(agentNumber, executor)) this.#options.pool.releaseMemory(agentNumber, false);
    }
  }
}
