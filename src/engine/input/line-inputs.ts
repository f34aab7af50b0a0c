// From the lines of a source to the inputs of a tick. A pulled source gives exactly so many lines a tick, however
// slowly they come; a live one gives what has arrived.

import { EngineError } from '../../base/errors.ts';
import type { Cursor, Input } from '../../log/index.ts';
import { type InputLine, type Line, type LineSource, parseInputLine } from './index.ts';

export interface LineInputsOptions {
  readonly source: LineSource;
  /** Lines that one tick takes at most; bad ones count, they keep their place. */
  readonly inputsPerTickMax: number;
  readonly live: boolean;
  /** A bad line ends the run, where otherwise it is skipped and reported. */
  readonly strict: boolean;
  /** Makes an input of a line, or says what is wrong with it. Lines behind one that takes time wait for it. */
  readonly resolve: (line: InputLine) => Input | string | Promise<Input | string>;
  /** `line`: its number. */
  readonly reportBad: (problem: string, line: number) => void;
  /** The tick at which the run stops whatever comes: no line can enter there. */
  readonly end?: number;
  /** The tick that the last line of the record named, where a run goes on. */
  readonly namedTick?: number;
  /** Lines of the run that were refused before. */
  readonly badLines?: number;
}

export class LineInputs {
  readonly #options: LineInputsOptions;
  /** The tick that the next line asks for, where that is a later one. */
  heldTick: number | undefined;
  /**
   * The tick that the last line with one named. Lines behind it may name it, too, and come later all the same: where a
   * tick was full, or a receiver had no room.
   */
  #namedTick: number;
  #badLines: number;

  constructor(options: LineInputsOptions) {
    this.#options = options;
    this.#namedTick = options.namedTick ?? 0;
    this.#badLines = options.badLines ?? 0;
  }

  get ended(): boolean {
    return this.#options.source.cursor.ended;
  }

  get live(): boolean {
    return this.#options.live;
  }

  /** Behind the last line that became an input. */
  get cursor(): Cursor {
    const { name, cursor } = this.#options.source;
    return { source: name, ...cursor, badLines: this.#badLines };
  }

  /** The inputs of a tick. Waits for a pulled source's lines. */
  gather(tick: number): readonly Input[] | Promise<readonly Input[]> {
    if (this.ended || (this.heldTick !== undefined && this.heldTick > tick)) return [];
    const { source, inputsPerTickMax, live } = this.#options;
    if (live) return this.#take(source.poll(inputsPerTickMax), tick);
    const lines = source.pull(inputsPerTickMax);
    if (lines instanceof Promise) return lines.then((ready) => this.#take(ready, tick));
    return this.#take(lines, tick);
  }

  /** Resolves when a live source has something new, or has ended. */
  arrival(): Promise<void> {
    return this.#options.source.arrival();
  }

  /** The record holds all lines up to there, as safely as its durability says. */
  acknowledge(cursor: Cursor): void {
    this.#options.source.acknowledge?.(cursor);
  }

  close(): void {
    this.#options.source.close();
  }

  #take(lines: readonly Line[], tick: number): readonly Input[] | Promise<readonly Input[]> {
    this.heldTick = undefined;
    return this.#takeFrom(lines, 0, tick, []);
  }

  /** Adds the inputs of the lines from a place on. */
  #takeFrom(
    lines: readonly Line[],
    from: number,
    tick: number,
    inputs: Input[],
  ): readonly Input[] | Promise<readonly Input[]> {
    const { source, resolve, end = Number.POSITIVE_INFINITY } = this.#options;
    for (let i = from; i < lines.length; i++) {
      const line = lines[i]!;
      const parsed = parseInputLine(line.bytes, line.number, source.name);
      const wanted = parsed.ok ? parsed.input.tick : undefined;
      if (wanted !== undefined && wanted > tick && wanted < end) {
        this.heldTick = wanted;
        source.putBack(lines.slice(i));
        break;
      }
      if (!parsed.ok) this.#bad(parsed.problem, line.number);
      else if (wanted !== undefined && wanted >= end) {
        const late = `found tick ${wanted}, wanted one before ${end}, where time ends`;
        this.#bad(`${source.name}:${line.number}: ${late}`, line.number);
      } else if (wanted !== undefined && wanted < tick && wanted !== this.#namedTick) {
        const past = `found tick ${wanted}, which is past; wanted ${tick} or later`;
        this.#bad(`${source.name}:${line.number}: ${past}`, line.number);
      } else {
        const input = resolve(parsed.input);
        if (input instanceof Promise)
          return input.then((made) => {
            this.#add(made, line, wanted, inputs);
            return this.#takeFrom(lines, i + 1, tick, inputs);
          });
        this.#add(input, line, wanted, inputs);
      }
    }
    return inputs;
  }

  #add(input: Input | string, { number }: Line, wanted: number | undefined, inputs: Input[]): void {
    if (typeof input === 'string') {
      this.#bad(`${this.#options.source.name}:${number}: ${input}`, number);
      return;
    }
    inputs.push(input);
    this.#namedTick = wanted ?? this.#namedTick;
  }

  #bad(problem: string, line: number): void {
    if (this.#options.strict) {
      throw new EngineError('input-invalid', `Cannot take an input line: ${problem}`, { problem });
    }
    this.#badLines++;
    this.#options.reportBad(problem, line);
  }
}
