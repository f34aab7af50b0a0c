// The scheduler under test, driven as the engine drives it, and what of it is compared with the model.

import { EffectKind, Outcome, recordHeadWords } from '../../src/abi/record.ts';
import { encodeUtf8 } from '../../src/base/encoding.ts';
import { agentLimitDefaults } from '../../src/base/limits.ts';
import type { Input } from '../../src/log/index.ts';
import {
  type CommittedTick,
  closeTick,
  commitTick,
  createDeclaredAgents,
  createState,
  openTick,
  planTick,
  type SchedulerState,
  type Task,
} from '../../src/scheduler/index.ts';
import * as write from '../../src/scheduler/test-effects.ts';
import { bytesOf } from './answers.ts';
import type { ModelConfig, ModelEffect, ModelInput, ModelResult } from './model-state.ts';

export class RealSide {
  readonly state: SchedulerState;
  #plan: readonly Task[] = [];
  #opened = false;

  constructor(config: ModelConfig) {
    this.state = createState({
      policy: config.policy,
      ageTicks: config.ageTicks,
      tasksPerTickMax: config.tasksPerTickMax,
      agentsMax: config.agentsMax,
      memoryPagesReservedMax: config.memoryPagesReservedMax,
      topics: config.topics.map(({ name, maxWaiting, overflow, refusedInitial }) => ({
        name,
        maxWaiting,
        overflow,
        accepts: refusedInitial === '' ? undefined : (bytes) => bytes[0] !== refusedInitial.charCodeAt(0),
      })),
      models: config.models.map((model, i) => ({
        ...model,
        name: `model-${i}`,
        versions: ['1'],
        version: 0,
      })),
      declarations: config.declarations.map((declaration) => {
        const {
          configuration,
          mailboxMessagesMax,
          memoryPagesMax,
          deliveriesPerTickMax,
          attemptsMax,
          channelsMax,
        } = declaration;
        return {
          ...declaration,
          configuration: encodeUtf8(configuration),
          limits: {
            ...agentLimitDefaults,
            mailboxMessagesMax,
            memoryPagesMax,
            deliveriesPerTickMax,
            attemptsMax,
            channelsMax,
          },
        };
      }),
    });
    createDeclaredAgents(this.state);
  }

  plan(tick: number, inputs: readonly ModelInput[]): readonly Task[] {
    if (this.#opened) closeTick(this.state);
    this.#opened = true;
    openTick(this.state, tick, inputs.map(inputOf));
    this.#plan = planTick(this.state);
    return this.#plan;
  }

  commit(results: readonly (ModelResult | null)[]): CommittedTick {
    const words: number[] = [];
    const offset = new Int32Array(results.length).fill(-1);
    for (const [i, result] of results.entries()) {
      if (result === null) continue;
      offset[i] = words.length;
      const effects = result.effects.map(wordsOfEffect);
      const body = effects.flat();
      const outcome = Outcome[result.outcome];
      const returned = result.outcome === 'failed' ? 0 : outcome;
      words.push(
        recordHeadWords + body.length,
        outcome,
        result.fault,
        returned,
        10,
        0,
        effects.length,
        ...body,
      );
    }
    const records = { words: [new Uint32Array(words)], buffer: new Uint8Array(results.length), offset };
    return commitTick(this.state, this.#plan, records, new Uint8Array(0), new Uint8Array(32));
  }
}

function wordsOfEffect(effect: ModelEffect): readonly number[] {
  switch (effect.kind) {
    case 'send':
      return write.send(effect, effect.payload);
    case 'publish':
      return write.publish(effect.topic, effect.payload);
    case 'publishChannel':
      return write.publishChannel(effect.name, effect.payload);
    case 'subscribe':
      return write.subscribe(effect.topic);
    case 'unsubscribe':
      return write.unsubscribe(effect.topic);
    case 'join':
      return write.join(effect.name);
    case 'leave':
      return write.leave(effect.name);
    case 'setTimer':
      return write.setTimer(effect.number, effect.delay, effect.tag);
    case 'cancelTimer':
      return write.cancelTimer(effect.number);
    case 'log':
      return write.log(effect.payload);
    case 'output':
      return write.output(effect.payload);
    case 'spawn':
      return write.spawn(effect.counter, effect.declaration, effect.payload);
    case 'terminate':
      return write.terminate(effect);
    case 'infer':
      return write.infer(effect.number, effect.model, effect.tag, effect.payload);
    case 'generate':
      return write.generate(effect.number, effect.model, effect.tag, effect.payload);
    case 'counters':
      return [EffectKind.counters | (4 << 8), effect.nextTimer, effect.nextChild, effect.nextRequest];
  }
}

const none = new Uint8Array(0);

function inputOf(input: ModelInput): Input {
  if (input.kind === 'answer')
    return write.host.answer({ agent: input, number: input.number }, bytesOf(input.payload));
  const { kind: name, ...fields } = input;
  const kind = kinds[name];
  const empty = { origin: 0, counter: 0, name: '', priority: 0, detail: none, tick: 0, waits: false };
  const payload = 'payload' in input ? encodeUtf8(input.payload) : none;
  return { ...empty, ...fields, kind, payload };
}

const kinds = {
  message: 1,
  publish: 2,
  scheduled: 3,
  spawn: 4,
  terminate: 5,
  pause: 6,
  resume: 7,
  join: 8,
  stop: 9,
  leave: 10,
  step: 11,
} as const;
