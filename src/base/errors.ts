// User and system faults. Agent faults are values (src/abi/fault.ts); bugs are assertions.

export type ErrorCode =
  | 'config-invalid'
  | 'module-refused'
  | 'module-missing'
  | 'model-refused'
  | 'model-missing'
  | 'model-runtime-missing'
  | 'input-invalid'
  | 'input-refused'
  | 'run-directory-invalid'
  | 'run-failed'
  | 'usage'
  | 'replay-diverged'
  | 'record-damaged'
  | 'host-fault'
  | 'bug';

/** Every code with its meaning and the exit code of the CLI. */
export const errorCodes: Readonly<Record<ErrorCode, { meaning: string; exitCode: number }>> = {
  'config-invalid': { meaning: 'The system file or an option breaks a rule.', exitCode: 1 },
  'module-refused': { meaning: 'A WebAssembly module is not one that the engine can run.', exitCode: 1 },
  'module-missing': { meaning: 'A file that the system names cannot be read.', exitCode: 1 },
  'model-refused': { meaning: 'A model is not one that the engine can run.', exitCode: 1 },
  'model-missing': { meaning: 'A model that the run needs is not where it was looked for.', exitCode: 1 },
  'model-runtime-missing': { meaning: 'The package that runs models is not installed.', exitCode: 1 },
  'input-invalid': { meaning: 'An input is malformed or names what does not exist.', exitCode: 1 },
  'input-refused': { meaning: 'An input is well formed, but cannot be taken now.', exitCode: 1 },
  'run-directory-invalid': {
    meaning: 'A folder is not a run directory, or not one for this use.',
    exitCode: 1,
  },
  'run-failed': { meaning: 'The run could not go on.', exitCode: 1 },
  usage: { meaning: 'The command line is not understood.', exitCode: 2 },
  'replay-diverged': { meaning: 'A replay did not give the recorded digest.', exitCode: 3 },
  'record-damaged': { meaning: 'The record was changed or cut where it must not be.', exitCode: 4 },
  'host-fault': { meaning: 'The host failed: a worker died, or storage did not take a write.', exitCode: 70 },
  bug: { meaning: 'An invariant of the engine does not hold.', exitCode: 70 },
};

/** A fault that a person can act on: what could not be done, what was found, what was wanted. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  /** Facts for programs, such as `file`, `line`, `offset`; plain JSON values. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/** Stops on a bug of ours, in production too. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new EngineError('bug', `Invariant broken: ${what}`);
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new EngineError('bug', `Invariant broken: unexpected value ${JSON.stringify(value)}`);
}
