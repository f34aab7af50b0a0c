// For tests only: a system whose agents are written in TypeScript. It drives the scheduler as the engine does, with
// records made by hand, and checks after every tick what must always hold.

import { createHash } from 'node:crypto';
import { TaskKind } from '../abi/envelope.ts';
import { Outcome, recordHeadWords, recordWord } from '../abi/record.ts';
import { concatBytes } from '../base/encoding.ts';
import { type AgentLimits, agentLimitDefaults } from '../base/limits.ts';
import { encodeInput, type Input } from '../log/input.ts';
import type { CommittedTick, TaskRecords } from './commit.ts';
import {
  type Agent,
  agentOf,
  closeTick,
  commitTick,
  createDeclaredAgents,
  createState,
  type Declaration,
  openTick,
  planTick,
  type RestartPolicy,
  type SchedulerConfig,
  type SchedulerState,
  type Task,
  type TopicDeclaration,
} from './index.ts';
import { eventText } from './test-event-text.ts';
import { checkInvariants } from './test-invariants.ts';

/** What a task of a test comes to; nothing given: done, without effects. */
export interface Act {
  readonly effects?: readonly (readonly number[])[];
  readonly outcome?: keyof typeof Outcome;
  readonly fault?: number;
  readonly fuel?: number;
}

/** What each task does; called only for tasks that run. */
export type Script = (task: Task) => Act | undefined;

export interface SystemOptions extends Partial<Omit<SchedulerConfig, 'declarations' | 'topics'>> {
  readonly agents: Readonly<Record<string, AgentOptions>>;
  readonly topics?: readonly (string | (Partial<TopicDeclaration> & Pick<TopicDeclaration, 'name'>))[];
  /** How many executors share the work; the answer must be the same for any number. */
  readonly executors?: number;
  /** Changes where records lie, and nothing else. */
  readonly scatter?: number;
}

export interface AgentOptions
  extends Partial<Omit<Declaration, 'name' | 'limits' | 'configuration' | 'restart'>> {
  readonly restart?: Partial<RestartPolicy>;
  readonly limits?: Partial<AgentLimits>;
  readonly configuration?: string;
}

export interface Ran {
  /** The planned tasks, as `agent kind payload`, in plan order. */
  readonly plan: readonly string[];
  /** The same for those that ran. */
  readonly ran: readonly string[];
  readonly events: readonly string[];
  readonly outputs: readonly string[];
  readonly committed: CommittedTick;
}

const kindNames = new Map<number, string>(Object.entries(TaskKind).map(([name, kind]) => [kind, name]));
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function payloadText({ bytes, offset, length }: Pick<Task, 'bytes' | 'offset' | 'length'>): string {
  return decoder.decode(bytes.slice(offset, offset + length));
}

export function taskText(task: Task): string {
  const name = `${task.agent.name} ${kindNames.get(task.kind)}`;
  if (task.kind === TaskKind.timer) return `${name} ${task.detail}`;
  return task.length === 0 || task.kind === TaskKind.notice || task.kind === TaskKind.fault
    ? name
    : `${name} ${payloadText(task)}`;
}

export class TestSystem {
  readonly state: SchedulerState;
  readonly transcripts: Uint8Array[] = [];
  digest: Uint8Array = new Uint8Array(32);
  readonly #executors: number;
  #scatter: number;
  /** Reused from tick to tick, as the blocks of real executors are. */
  readonly #blocks: Uint32Array[];

  constructor({ agents, topics = [], executors = 1, scatter = 0, ...config }: SystemOptions) {
    this.state = createState({
      policy: 'fifo',
      tasksPerTickMax: 1_000_000,
      agentsMax: 1000,
      ageTicks: 0,
      ...config,
      topics: topics.map((topic) => ({
        maxWaiting: null,
        overflow: 'reject' as const,
        ...(typeof topic === 'string' ? { name: topic } : topic),
      })),
      declarations: Object.entries(agents).map(([name, options]) => declaration(name, options)),
    });
    this.#executors = executors;
    this.#scatter = scatter;
    this.#blocks = Array.from({ length: executors }, () => new Uint32Array(16));
    createDeclaredAgents(this.state);
  }

  /** The agent of a name; `NAME/PARENT.COUNTER` for spawned ones. */
  agent(name: string): Agent {
    const found = this.state.agents.find((agent) => agent?.name === name);
    if (found === undefined) throw new Error(`no agent "${name}"`);
    return found;
  }

  find(origin: number, counter: number): Agent | undefined {
    return agentOf(this.state, origin, counter);
  }

  /** Runs one tick: the next one, or the one given. */
  tick(inputs: readonly Input[] = [], script: Script = () => undefined, tick?: number): Ran {
    const { state } = this;
    // The events of the agents' creation belong to the first tick.
    if (this.transcripts.length > 0) closeTick(state);
    openTick(state, tick ?? state.tick + 1, inputs);
    const plan = planTick(state);
    const texts = plan.map(taskText);
    const { records, ran } = this.#execute(plan, script);
    const committed = commitTick(state, plan, records, seal(inputs), this.digest);
    // The blocks are written again in the next tick: whoever kept a view of them would see it.
    for (const block of this.#blocks) block.fill(0xdeadbeef);
    this.transcripts.push(committed.transcript.slice());
    this.digest = createHash('sha256').update(committed.transcript).digest();
    checkInvariants(state);
    return {
      plan: texts,
      ran: texts.filter((_, index) => ran.has(index)),
      events: state.events.map(eventText),
      outputs: committed.sink.outputs.map(({ payload }) => payloadText(payload)),
      committed,
    };
  }

  /** Runs the turns in an order of its own, and leaves the records wherever they fall. */
  #execute(plan: readonly Task[], script: Script): { records: TaskRecords; ran: Set<number> } {
    const records = {
      words: this.#blocks,
      buffer: new Uint8Array(plan.length),
      offset: new Int32Array(plan.length).fill(-1),
    };
    const ran = new Set<number>();
    const used = this.#blocks.map(() => 0);
    const heads = plan.filter((task) => task.agent.turnHead === task);
    if (this.#scatter % 2 === 1) heads.reverse();
    for (const head of heads) {
      const executor = (head.agent.number + this.#scatter) % this.#executors;
      for (let task: Task | null = head; task !== null; task = task.next) {
        const record = recordOf(script(task) ?? {});
        const at = used[executor]! + (this.#scatter % 5);
        used[executor] = at + record.length;
        this.#place(executor, at, record);
        records.offset[task.position] = at;
        records.buffer[task.position] = executor;
        ran.add(task.position);
        const outcome = record[recordWord.outcome];
        if (outcome === Outcome.failed || outcome === Outcome.finished) break;
      }
    }
    this.#scatter = (this.#scatter * 7) % 101;
    return { records, ran };
  }

  #place(executor: number, at: number, record: readonly number[]): void {
    const block = this.#blocks[executor]!;
    if (at + record.length > block.length) {
      this.#blocks[executor] = new Uint32Array((at + record.length) * 2);
      this.#blocks[executor]!.set(block);
    }
    this.#blocks[executor]!.set(record, at);
  }
}

function declaration(name: string, options: AgentOptions): Declaration {
  return {
    name,
    count: null,
    subscriptions: [],
    channels: [],
    everyTick: false,
    overflow: 'reject',
    onFault: null,
    ...options,
    restart: {
      policy: 'never',
      restartsMax: 0,
      backoffTicks: 1,
      backoffTicksMax: 1,
      imageTicks: 1,
      ...options.restart,
    },
    configuration: new TextEncoder().encode(options.configuration ?? ''),
    limits: { ...agentLimitDefaults, ...options.limits },
  };
}

function seal(inputs: readonly Input[]): Uint8Array {
  return concatBytes(inputs.map(encodeInput));
}

function recordOf({ effects = [], outcome = 'done', fault = 0, fuel = 1 }: Act): number[] {
  const code = outcome === 'failed' && fault === 0 ? 8 : fault;
  const returned = outcome === 'failed' ? 0 : Outcome[outcome];
  const body = effects.flat();
  return [
    recordHeadWords + body.length,
    Outcome[outcome],
    code,
    returned,
    fuel % 2 ** 32,
    Math.floor(fuel / 2 ** 32),
    effects.length,
    ...body,
  ];
}
