// Runs the turns of a command stream and writes the result stream. The same code in a worker and in the orchestrator's
// own thread; what it writes depends only on the agents and the commands.

import { isMessage, TaskKind } from '../abi/envelope.ts';
import { type FaultKind, faultCodes } from '../abi/fault.ts';
import { ReturnCode } from '../abi/guest-exports.ts';
import { type Outcome, wordsOf } from '../abi/record.ts';
import { assert, EngineError } from '../base/errors.ts';
import { trapOffsets } from '../wasm/trap-offsets.ts';
import { collectGarbage } from './collect.ts';
import { writeEnvelope } from './envelope-writer.ts';
import { createHostFunctions, type HostContext } from './host-functions.ts';
import { createInstance, type Instance, type InstanceOptions } from './instance.ts';
import { captureState, type GlobalWords, restoreState } from './instance-state.ts';
import { Outbox } from './outbox.ts';
import {
  collectWords,
  commandHeadWords,
  commandWord,
  createWords,
  dropWords,
  flagMeasure,
  modelWords,
  Op,
  restoreWords,
  saveWords,
  taskHeadWords,
  trapWordsMax,
  turnResultWords,
  turnWords,
} from './protocol.ts';
import { buildLookupTables, type SystemTables } from './tables.ts';
import { classifyTrap, stackOf } from './trap.ts';
import type { WordBuffer } from './word-buffer.ts';

/** Sees where guests ask for something and where they trap. It must change nothing. */
export interface CallWatch {
  /** A task of the agent begins. */
  task(agentNumber: number): void;
  /** An effect was taken, as so many-th of its task; `place` tells by its stack where the guest was. */
  effect(agentNumber: number, index: number, place: Error): void;
  trap(agentNumber: number, error: unknown): void;
}

export class Executor {
  readonly #tables: SystemTables;
  readonly #newInstance: (options: InstanceOptions) => Instance;
  readonly #modules: { readonly module: WebAssembly.Module; readonly globals: GlobalWords }[] = [];
  readonly #memories: Map<number, WebAssembly.Memory> = new Map();
  readonly #instances: (Instance | undefined)[] = [];
  readonly #outbox: Outbox = new Outbox();
  readonly #context: HostContext;
  readonly #hostFunctions: WebAssembly.ModuleImports;
  #commands: Uint32Array = new Uint32Array(0);
  #commandBytes: Uint8Array = new Uint8Array(0);
  #measure = false;
  /** How many words of the turn say where it trapped. */
  #trapWords = 0;
  /** What was seen of memories: kept, so that the compiler keeps the looking. */
  readonly #seen: Int32Array = new Int32Array(1);
  readonly #watch: CallWatch | undefined;
  readonly #taskBegins: (() => void) | undefined;

  /**
   * @param newInstance what runs an agent; a simulator has agents that are no WebAssembly
   * @param taskBegins told of each task, without a word on what it is
   */
  constructor(
    tables: SystemTables,
    watch?: CallWatch,
    newInstance: (options: InstanceOptions) => Instance = createInstance,
    taskBegins?: () => void,
  ) {
    this.#taskBegins = taskBegins;
    this.#tables = tables;
    this.#watch = watch;
    this.#newInstance = newInstance;
    this.#context = {
      instance: undefined as unknown as Instance,
      outbox: this.#outbox,
      tables: buildLookupTables(tables),
    };
    const functions = createHostFunctions(this.#context);
    const watched = watch === undefined ? functions : this.#watched(functions, watch);
    this.#hostFunctions = watched as unknown as WebAssembly.ModuleImports;
  }

  #watched(functions: ReturnType<typeof createHostFunctions>, watch: CallWatch): Record<string, unknown> {
    const outbox = this.#outbox;
    return Object.fromEntries(
      Object.entries(functions).map(([name, call]) => {
        const watched = (...values: number[]): number => {
          const before = outbox.effects;
          const answer = call(...values);
          if (outbox.effects > before)
            watch.effect(this.#context.instance.number, before, new Error(`a call of ${name}`));
          return answer;
        };
        return [name, watched];
      }),
    );
  }

  addModule(index: number, module: WebAssembly.Module, globals: GlobalWords): void {
    this.#modules[index] = { module, globals };
  }

  /** Gives the memory of an agent that a later `create` command makes. */
  addMemory(agentNumber: number, memory: WebAssembly.Memory): void {
    this.#memories.set(agentNumber, memory);
  }

  /** Runs a whole stream; the results are valid until the next call. */
  execute(commands: Uint32Array, bytes: Uint8Array): WordBuffer {
    this.#commands = commands;
    this.#commandBytes = bytes;
    const { buffer } = this.#outbox;
    buffer.used = 0;
    const end = commands[commandWord.size]!;
    this.#measure = (commands[commandWord.flags]! & flagMeasure) !== 0;
    let at = commandHeadWords;
    let touched = at;
    while (at < end) {
      if (at === touched) touched = this.#touch(at, end);
      const op = commands[at]!;
      if (op === Op.turn) at = this.#turn(at);
      else if (op === Op.create) at = this.#create(at);
      else if (op === Op.restore) at = this.#restore(at);
      else if (op === Op.save) at = this.#save(at);
      else if (op === Op.model) at = this.#model(at);
      else if (op === Op.collect) {
        collectGarbage();
        at += collectWords;
      } else {
        assert(op === Op.drop, `a command stream holds known commands, found ${op}`);
        this.#instances[commands[at + 1]!] = undefined;
        at += dropWords;
      }
    }
    return buffer;
  }

  /**
   * Looks at the memories of the next agents, and answers where the commands behind them begin. Among thousands of
   * agents each memory is out of the processor's caches, and those looked at together are fetched together.
   */
  #touch(at: number, end: number): number {
    const commands = this.#commands;
    let sum = 0;
    for (let i = 0; i < touchCount && at < end; i++) {
      if (commands[at] === Op.turn) {
        const instance = this.#instances[commands[at + 1]!];
        if (instance !== undefined) sum ^= instance.words[instance.inboxPointer >>> 2]!;
      }
      at = commandEnd(commands, at);
    }
    this.#seen[0] = sum;
    return at;
  }

  #create(at: number): number {
    const commands = this.#commands;
    const prng = commands.slice(at + 9, at + 13) as Uint32Array<ArrayBuffer>;
    this.#instantiate(at, prng);
    return at + createWords;
  }

  #restore(at: number): number {
    const commands = this.#commands;
    const instance = this.#instantiate(at, new Uint32Array(4));
    const end = at + restoreWords + commands[at + 9]!;
    restoreState(
      instance,
      this.#modules[commands[at + 2]!]!.globals,
      commands.subarray(at + restoreWords, end),
    );
    return end;
  }

  /** The words that `create` and `restore` share. */
  #instantiate(at: number, prng: Uint32Array<ArrayBuffer>): Instance {
    const commands = this.#commands;
    const number = commands[at + 1]!;
    const moduleIndex = commands[at + 2]!;
    const declaration = this.#tables.declarations[commands[at + 3]!]!;
    const memory = this.#memories.get(number);
    const module = this.#modules[moduleIndex];
    assert(memory !== undefined && module !== undefined, 'memory and module come before their agent');
    this.#memories.delete(number);
    const name = `${declaration.name} (agent ${number})`;
    try {
      const instance = this.#newInstance({
        name,
        number,
        moduleIndex,
        origin: commands[at + 4]!,
        counter: commands[at + 5]!,
        limits: declaration.limits,
        mayUseChannels: declaration.mayUseChannels,
        module: module.module,
        memory,
        nextTimer: commands[at + 6]!,
        nextChild: commands[at + 7]!,
        nextRequest: commands[at + 8]!,
        prng,
        hostFunctions: this.#hostFunctions,
      });
      this.#instances[number] = instance;
      return instance;
    } catch (error) {
      throw new EngineError('host-fault', `Cannot instantiate ${name}: ${String(error)}`, {}, error);
    }
  }

  #model(at: number): number {
    const [, index, length] = this.#commands.subarray(at);
    const { tables } = this.#context;
    const start = (at + modelWords) * 4;
    if (tables.models.size <= index!)
      tables.models = tables.models.with(this.#commandBytes.slice(start, start + length!), index!);
    return commandEnd(this.#commands, at);
  }

  #save(at: number): number {
    const number = this.#commands[at + 1]!;
    const instance = this.#instances[number];
    const state =
      instance === undefined
        ? new Uint32Array(0)
        : captureState(instance, this.#modules[instance.moduleIndex]!.globals);
    const { buffer } = this.#outbox;
    const head = buffer.reserve(turnResultWords + state.length);
    buffer.used += turnResultWords + state.length;
    buffer.words[head] = number;
    buffer.words[head + 1] = state.length;
    buffer.words.fill(0, head + 2, head + turnResultWords);
    buffer.words.set(state, head + turnResultWords);
    return at + saveWords;
  }

  /** Runs the tasks of one agent until they are done, or one fails or finishes the agent. */
  #turn(at: number): number {
    const commands = this.#commands;
    const number = commands[at + 1]!;
    const taskCount = commands[at + 2]!;
    const instance = this.#instances[number];
    assert(instance !== undefined, `agent ${number} has an instance`);
    this.#context.instance = instance;
    instance.turnEffects = 0;
    instance.turnBytes = 0;
    this.#trapWords = 0;
    const { buffer } = this.#outbox;
    const head = buffer.reserve(turnResultWords);
    buffer.used += turnResultWords;
    const startedAt = this.#measure ? performance.now() : 0;
    at += turnWords;
    let records = 0;
    let going = true;
    for (let i = 0; i < taskCount; i++) {
      if (going) {
        records++;
        going = this.#task(instance, at);
      }
      at += commands[at]!;
    }
    buffer.words[head] = number;
    buffer.words[head + 1] = records;
    buffer.words[head + 2] = this.#measure ? Math.round((performance.now() - startedAt) * 1000) : 0;
    buffer.words[head + 3] = this.#trapWords;
    return at;
  }

  /** Runs one task; returns whether the turn goes on. */
  #task(instance: Instance, at: number): boolean {
    const kind = this.#commands[at + 1]! as TaskKind;
    const outbox = this.#outbox;
    const limit = fuelLimit(instance, kind);
    this.#watch?.task(instance.number);
    this.#taskBegins?.();
    outbox.beginRecord();
    instance.taskFuel = limit;
    let answer = -1;
    let fault: FaultKind | undefined;
    let trap: unknown;
    try {
      answer = this.#enter(instance, kind, at);
    } catch (error) {
      this.#watch?.trap(instance.number, error);
      trap = error;
      fault =
        error === inboxFault ? 'inbox-out-of-bounds' : classifyTrap(error, instance.status(), instance.name);
    }
    const returned = answer >= 0 ? 0 : (-1 - answer) | 0;
    const left = answer >= 0 ? answer : instance.fuelGet();
    if (fault === undefined) fault = faultOfReturn(returned, left);
    const fuel = limit - Math.max(left, 0);
    if (fault !== undefined) {
      outbox.endFailedRecord(faultCodes[fault], returned, fuel, instance);
      this.#writeTrap(trap);
      this.#instances[instance.number] = undefined;
      return false;
    }
    outbox.endRecord(returned as Outcome, returned, fuel);
    return returned !== ReturnCode.finished;
  }

  /** Notes where a task trapped, behind its record. */
  #writeTrap(error: unknown): void {
    if (!(error instanceof WebAssembly.RuntimeError)) return;
    const offsets = trapOffsets(stackOf(error)).slice(0, trapWordsMax);
    const { buffer } = this.#outbox;
    const at = buffer.reserve(offsets.length);
    buffer.words.set(offsets, at);
    buffer.used += offsets.length;
    this.#trapWords = offsets.length;
  }

  /** Answers as an `EntryPoint` does. */
  #enter(instance: Instance, kind: TaskKind, at: number): number {
    if (kind === TaskKind.init || kind === TaskKind.shutdown) {
      instance.fuelSet(instance.taskFuel);
      return -1 - (enterOnce(instance, kind) >>> 0);
    }
    const commands = this.#commands;
    if (kind === TaskKind.timer) instance.pendingTimers.delete(commands[at + 5]!);
    const topicLength = commands[at + 7]!;
    const payloadLength = commands[at + 8]!;
    const topicOffset = (at + taskHeadWords) * 4;
    const payloadOffset = topicOffset + wordsOf(topicLength) * 4;
    const pointer = writeEnvelope(
      instance,
      commands,
      this.#commandBytes,
      at,
      topicOffset,
      topicLength,
      payloadOffset,
      payloadLength,
    );
    if (pointer < 0) throw inboxFault;
    return isMessage(kind)
      ? instance.receive(pointer, instance.taskFuel)
      : instance.step(pointer, instance.taskFuel);
  }
}

/** Runs the first or the last task of an agent. */
function enterOnce(instance: Instance, kind: TaskKind): number {
  if (kind === TaskKind.shutdown) {
    instance.mode = 'shutdown';
    return instance.guest.agent_shutdown();
  }
  instance.mode = 'forbidden';
  instance.init();
  instance.mode = 'normal';
  return instance.guest.agent_init();
}

/** Agents whose memories are looked at together. */
const touchCount = 16;

function commandEnd(commands: Uint32Array, at: number): number {
  switch (commands[at]) {
    case Op.turn: {
      let end = at + turnWords;
      for (let i = commands[at + 2]!; i > 0; i--) end += commands[end]!;
      return end;
    }
    case Op.create:
      return at + createWords;
    case Op.restore:
      return at + restoreWords + commands[at + 9]!;
    case Op.model:
      return at + modelWords + wordsOf(commands[at + 2]!);
    case Op.save:
      return at + saveWords;
    case Op.collect:
      return at + collectWords;
    default:
      return at + dropWords;
  }
}

/** Thrown, never to a guest, where `agent_alloc` answered a range outside memory. */
const inboxFault = new Error('inbox out of bounds');

function fuelLimit(instance: Instance, kind: TaskKind): number {
  const { limits } = instance;
  if (kind === TaskKind.init) return limits.fuelPerInit;
  return kind === TaskKind.shutdown ? limits.fuelPerShutdown : limits.fuelPerTask;
}

function faultOfReturn(returned: number, fuelLeft: number): FaultKind | undefined {
  if (fuelLeft < 0) return 'out-of-fuel';
  if (returned < 0) return 'negative-return';
  return returned > ReturnCode.finished ? 'unknown-return' : undefined;
}
