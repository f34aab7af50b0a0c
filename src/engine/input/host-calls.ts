// The library's calls as inputs: each is checked here, once, so that a sealed input always makes sense.

import { decodeUtf8, encodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { type Input, InputKind } from '../../log/index.ts';
import { agentOf, type SchedulerState } from '../../scheduler/index.ts';
import { type AgentId, AgentNames, formatAgentId, type Identity } from '../agent-id.ts';
import { canonicalBytes, jsonProblem } from '../config/json-value.ts';
import { decodeModel, encodeModel } from '../config/model-detail.ts';
import type { ModelConfig, SystemConfig } from '../config/system-config.ts';
import type { AgentSpec, Message, PayloadValue, TaskSpec } from '../run-types.ts';
import { createInput } from './host-inputs.ts';
import type { MessageLine } from './index.ts';

const channelNameBytesMax = 64;

export class HostCalls {
  readonly #config: SystemConfig;
  readonly #state: SchedulerState;
  readonly #names: AgentNames;
  /** The last counter that was handed out, where the state does not know it yet. */
  #spawnCounter = 0;
  /** Models that calls declared. */
  readonly #declared: ModelConfig[] = [];

  constructor(config: SystemConfig, state: SchedulerState) {
    this.#config = config;
    this.#state = state;
    this.#names = new AgentNames(config);
  }

  spawn(spec: AgentSpec): { readonly id: AgentId; readonly input: Input } {
    checkGiven(spec, 'an agent to spawn', 'an object with the agent that is declared');
    const declaration = this.#config.agents.find(({ name }) => name === spec.agent);
    if (declaration === undefined) {
      const known = this.#config.agents.map(({ name }) => name).join(', ');
      throw invalid(`Cannot spawn agent ${JSON.stringify(spec.agent)}: the system declares ${known}`);
    }
    const limit = declaration.limits.messageBytesMax;
    const payload = spec.payload === undefined ? new Uint8Array(0) : payloadBytes(spec.payload, limit);
    this.#spawnCounter = Math.max(this.#spawnCounter, this.#state.hostCounter) + 1;
    const identity = { origin: 0, counter: this.#spawnCounter };
    const input = createInput(InputKind.spawn, { ...identity, name: spec.agent, payload });
    return { id: formatAgentId(identity), input };
  }

  message(id: AgentId, message: Message): Input {
    return createInput(InputKind.message, { ...this.find(id), ...this.#content(message) });
  }

  task(id: AgentId, task: TaskSpec): Input {
    checkGiven(task, 'a task', 'an object with a payload');
    const { taskId = '' } = task;
    checkText(taskId, 'a taskId');
    const detail = encodeUtf8(taskId);
    return createInput(InputKind.scheduledTask, { ...this.find(id), ...this.#content(task), detail });
  }

  publish(topic: string, message: Message): Input {
    const declared = this.#state.topicByName.get(topic);
    if (declared === undefined) checkChannelName(topic);
    const content = this.#content(message);
    if (declared?.accepts !== undefined && !declared.accepts(content.payload)) {
      throw invalid(`Cannot publish to topic "${topic}": the payload does not keep its contract`);
    }
    return createInput(InputKind.publish, { name: topic, ...content });
  }

  membership(kind: typeof InputKind.join | typeof InputKind.leave, id: AgentId, channel: string): Input {
    if (this.#state.topicByName.has(channel)) {
      throw invalid(
        `Cannot join ${JSON.stringify(channel)}: it is a declared topic, and channels have other names`,
      );
    }
    checkChannelName(channel);
    return createInput(kind, { ...this.find(id), name: channel });
  }

  /** Terminate, pause, resume or step. */
  lifeCycle(kind: number, id: AgentId): Input {
    return createInput(kind, this.find(id));
  }

  useModel(
    name: string,
    version: string,
  ): { readonly input: Input; readonly model: ModelConfig; readonly version: number } {
    const model = this.#models.find((each) => each.name === name);
    if (model === undefined) {
      const known = this.#models.map((each) => each.name).join(', ') || 'none';
      throw invalid(`Cannot use model ${JSON.stringify(name)}: the system declares ${known}`);
    }
    const names = model.versions.map((each) => each.version);
    const index = names.indexOf(version);
    if (index < 0) {
      const found = `version ${JSON.stringify(version)} of model "${name}"`;
      throw invalid(`Cannot use ${found}: the system declares ${names.join(', ')}`);
    }
    const input = createInput(InputKind.useModel, { name, detail: encodeUtf8(version) });
    return { input, model, version: index };
  }

  /** @throws EngineError `input-invalid` where the run has a model of the name, or is about to have one */
  checkNewModel(name: string): void {
    if (!this.#models.some((each) => each.name === name)) return;
    throw invalid(`Cannot declare model ${JSON.stringify(name)}: the system has one of that name`);
  }

  declareModel(model: ModelConfig): Input {
    this.checkNewModel(model.name);
    this.#declared.push(model);
    return createInput(InputKind.declareModel, { name: model.name, detail: encodeModel(model) });
  }

  /**
   * Inputs that another run took, which came to know its models in its own way.
   * @throws EngineError `input-invalid` where this one has a model of the name already, or none
   */
  checkRecorded(inputs: readonly Input[]): void {
    for (const { kind, name, detail } of inputs) {
      if (kind === InputKind.declareModel) this.checkNewModel(name);
      else if (kind === InputKind.useModel && !inputs.some((other) => declares(other, name)))
        this.useModel(name, decodeUtf8(detail) ?? '');
    }
  }

  /** Those of the state, and those that it is about to have. */
  get #models(): readonly ModelConfig[] {
    const { models } = this.#state.requests;
    const declared = models.flatMap(({ declaration: { detail } }) =>
      detail === undefined ? [] : [decodeModel(detail)],
    );
    const isThere = ({ name }: ModelConfig): boolean => declared.some((model) => model.name === name);
    const coming = this.#declared.filter((model) => !isThere(model));
    return [...this.#config.models, ...declared, ...coming];
  }

  /** A line of a source with a message; a text says what is wrong with it. */
  line(line: MessageLine): Input | string {
    const { payload, priority, tick = 0 } = line;
    if (payload.length > this.#messageBytesMax) {
      return `the payload has ${payload.length} bytes, and no agent takes more than ${this.#messageBytesMax}`;
    }
    if (line.topic !== undefined) {
      if (!this.#state.topicByName.has(line.topic) && !this.#state.channels.has(line.topic)) {
        return `found topic ${JSON.stringify(line.topic)}, wanted one that the system declares`;
      }
      if (this.#state.topicByName.get(line.topic)?.accepts?.(payload) === false) {
        return `the payload does not keep the contract of topic ${JSON.stringify(line.topic)}`;
      }
      return createInput(InputKind.publish, { name: line.topic, payload, priority, tick, waits: true });
    }
    const identity = this.#known(line.agent ?? '');
    if (identity === undefined)
      return `found agent ${JSON.stringify(line.agent)}, which the system does not have`;
    return createInput(InputKind.message, { ...identity, payload, priority, tick, waits: true });
  }

  /** @throws EngineError `input-invalid` where no agent has, or is about to have, the identity */
  find(id: AgentId): Identity {
    const identity = this.#known(id);
    if (identity !== undefined) return identity;
    throw invalid(`Cannot find agent ${JSON.stringify(id)}: the system has none of that name or identity`);
  }

  #known(id: AgentId): Identity | undefined {
    const identity = typeof id === 'string' ? this.#names.parse(id) : undefined;
    if (identity === undefined) return undefined;
    const { origin, counter } = identity;
    const last = Math.max(this.#spawnCounter, this.#state.hostCounter);
    const pending = origin === 0 && counter > 0 && counter <= last;
    return pending || agentOf(this.#state, origin, counter) !== undefined ? identity : undefined;
  }

  #content(message: Message): Pick<Input, 'payload' | 'priority'> {
    checkGiven(message, 'a message', 'an object with a payload');
    const { payload, priority = 0 } = message;
    if (!Number.isInteger(priority) || priority < -(2 ** 31) || priority > 2 ** 31 - 1) {
      throw invalid(`Cannot take priority ${priority}: a whole number from -2^31 to 2^31 - 1 was wanted`);
    }
    return { payload: payloadBytes(payload, this.#messageBytesMax), priority };
  }

  /** What the most generous agent takes. */
  get #messageBytesMax(): number {
    return this.#config.agents.reduce((max, { limits }) => Math.max(max, limits.messageBytesMax), 0);
  }
}

/** Callers without types pass anything. */
function checkGiven(value: object | null | undefined, what: string, wanted: string): void {
  if (typeof value === 'object' && value !== null) return;
  throw invalid(`Cannot take ${what}: found ${String(value)}, wanted ${wanted}`);
}

function payloadBytes(payload: PayloadValue, bytesMax: number): Uint8Array {
  const problem = payload instanceof Uint8Array ? undefined : jsonProblem(payload);
  if (problem !== undefined) throw invalid(`Cannot take a payload: ${problem}`);
  // A copy: `slice` of a Buffer is a view of what the caller may write again.
  const bytes = payload instanceof Uint8Array ? new Uint8Array(payload) : canonicalBytes(payload);
  if (bytes.length <= bytesMax) return bytes;
  throw invalid(`Cannot take a payload of ${bytes.length} bytes: at most ${bytesMax} were wanted`);
}

function declares({ kind, name }: Input, model: string): boolean {
  return kind === InputKind.declareModel && name === model;
}

function checkChannelName(name: string): void {
  checkText(name, 'a name');
  const size = encodeUtf8(name).length;
  if (size >= 1 && size <= channelNameBytesMax) return;
  throw invalid(
    `Cannot use ${JSON.stringify(name)} as a name: it has ${size} bytes, 1 to ${channelNameBytesMax} were wanted`,
  );
}

/** The record holds UTF-8: half of a surrogate pair would come back as another text. */
function checkText(text: unknown, what: string): void {
  if (typeof text === 'string' && text.isWellFormed()) return;
  throw invalid(`Cannot use ${JSON.stringify(text) ?? String(text)} as ${what}: Unicode text was wanted`);
}

function invalid(message: string): EngineError {
  return new EngineError('input-invalid', message);
}
