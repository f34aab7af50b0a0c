// Models that inputs bring in, or swap, as a run goes on. Each is loaded before there is an input; where the run ends
// meanwhile there is none, and nothing is written beside its record.

import { EngineError } from '../../base/errors.ts';
import type { Input } from '../../log/index.ts';
import type { ModelDescription } from '../config/create-system.ts';
import { checkModel, nobodyAsks } from '../config/model-detail.ts';
import type { HostCalls } from '../input/host-calls.ts';
import type { HostInputs } from '../input/host-inputs.ts';
import type { ModelLine } from '../input/index.ts';
import { noteModelFolder } from '../models/model-folders.ts';
import type { OpenRun } from './open-run.ts';

/** What is wrong with a line, and not with the machine. */
const codesOfLines: readonly string[] = ['input-invalid', 'config-invalid', 'model-missing', 'model-refused'];

export class RunModels {
  readonly #run: Pick<OpenRun, 'inference' | 'record'>;
  readonly #calls: HostCalls;
  readonly #hostInputs: HostInputs;
  /** By name the declaration that was called last, until it came to an end. */
  readonly #declaring: Map<string, Promise<Input>> = new Map();

  constructor(run: Pick<OpenRun, 'inference' | 'record'>, calls: HostCalls, hostInputs: HostInputs) {
    this.#run = run;
    this.#calls = calls;
    this.#hostInputs = hostInputs;
  }

  /** @throws EngineError `input-invalid`, `input-refused` where the run has ended, and where it cannot be loaded */
  async use(name: string, version: string): Promise<Input> {
    this.#hostInputs.refuseClosed();
    const call = this.#calls.useModel(name, version);
    await this.#beforeTheEnd(this.#run.inference?.preload(call.model, call.version));
    return call.input;
  }

  /** @throws EngineError `config-invalid`, and as `use` does */
  async declare(name: string, description: ModelDescription): Promise<Input> {
    const before = this.#declaring.get(name);
    // A model lies in one folder: another one of the name is not looked for while there may be one.
    const declared = (before ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#declare(name, description));
    this.#declaring.set(name, declared);
    try {
      return await declared;
    } finally {
      if (this.#declaring.get(name) === declared) this.#declaring.delete(name);
    }
  }

  async #declare(name: string, description: ModelDescription): Promise<Input> {
    this.#hostInputs.refuseClosed();
    this.#calls.checkNewModel(name);
    const { inference, record } = this.#run;
    const { model, folder, version } = await checkModel(name, description);
    if (inference === undefined) throw nobodyAsks(name);
    await this.#beforeTheEnd(inference.preload(model, version, folder));
    const input = this.#calls.declareModel(model);
    noteModelFolder(record.directory, name, folder);
    return input;
  }

  /** The input that a line asks for, or what is wrong with the line. @throws EngineError of the machine */
  async line({ tick = 0, model, asks }: ModelLine): Promise<Input | string> {
    try {
      const input =
        'version' in asks
          ? await this.use(model, asks.version)
          : await this.declare(model, asks.description as unknown as ModelDescription);
      return { ...input, tick };
    } catch (error) {
      if (!(error instanceof EngineError) || !codesOfLines.includes(error.code)) throw error;
      const [what, ...problems] = error.message.split(/\s*\n\s*/);
      return [what, problems.join('; ')].join(' ').trim();
    }
  }

  async #beforeTheEnd(load: Promise<void> | undefined): Promise<void> {
    try {
      await load;
    } finally {
      // Whatever became of it then.
      this.#hostInputs.refuseClosed();
    }
  }
}
