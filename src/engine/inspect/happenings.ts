// What happened, event by event: of one tick, of one agent, or of one agent in one tick.

import { decodeUtf8, encodeHex } from '../../base/encoding.ts';
import {
  decodeEvent,
  type Fault,
  finishedTicks,
  InputKind,
  inputKindName,
  type LogEvent,
  openRunDirectory,
  readAnswerDetail,
  readEvents,
  type SealedTick,
} from '../../log/index.ts';
import type { SystemConfig } from '../config/index.ts';
import { baseAgents } from '../record/base-agents.ts';
import { outcomeFacts } from '../record/task-facts.ts';
import { logLevels } from './effect-view.ts';

/** One thing that happened; `what` says which of the other fields are there. */
export interface Happening {
  readonly tick: number;
  readonly what: 'input' | 'event' | 'task' | 'output' | 'fault' | 'log' | 'digest';
  readonly agent?: string;
  /** Of inputs and outputs, where it is not empty. */
  readonly payload?: Uint8Array;
  readonly [field: string]: unknown;
}

export interface Wanted {
  readonly tick?: number;
  readonly agent?: string;
}

/**
 * Gives each happening that is wanted, in order of the log; also of a run that is still going or was cut off. Payloads
 * are views, to be read before the next one.
 * @throws EngineError `run-directory-invalid`, `record-damaged`
 */
export function* happenings(path: string, wanted: Wanted): Generator<Happening, void, undefined> {
  const directory = openRunDirectory(path);
  const created = baseAgents(directory).map(({ name }) => name);
  const names: Names = { created, declared: declaredAgents(directory.config()) };
  for (const event of finishedTicks(readEvents(directory))) {
    if (wanted.tick !== undefined && event.tick > wanted.tick) return;
    const skipped = wanted.tick !== undefined && event.tick < wanted.tick;
    // Names are needed from the beginning.
    if (skipped && event.channel !== 'events') continue;
    for (const happening of describe(event, names)) {
      if (skipped || (wanted.agent !== undefined && !concerns(happening, wanted.agent))) continue;
      yield happening;
    }
  }
}

function concerns(happening: Happening, agent: string): boolean {
  return happening.agent === agent || happening.other === agent;
}

function describe({ channel, tick, payload }: LogEvent, names: Names): Happening[] {
  switch (channel) {
    case 'inputs':
      return inputFacts(tick, decodeEvent(channel, payload), names);
    case 'events': {
      const { kind, agent, other, reason, count, text } = decodeEvent(channel, payload);
      if (kind === 'spawned') names.created.push(agent);
      return [
        { tick, what: 'event', kind, agent, ...filled({ other, reason, text }), ...(count > 1 && { count }) },
      ];
    }
    case 'outcomes':
      return outcomeFacts(decodeEvent(channel, payload)).map(({ number, kind, outcome, fuel }) => {
        return { tick, what: 'task', agent: nameOf(number, names), kind, outcome, fuel };
      });
    case 'outputs': {
      const output = decodeEvent(channel, payload);
      return [
        { tick, what: 'output', agent: output.agent, index: output.index, ...payloadOf(output.payload) },
      ];
    }
    case 'faults': {
      const { agent, kind, message, fuel, ...place } = decodeEvent(channel, payload);
      return [{ tick, what: 'fault', agent, kind, message, fuel, ...faultPlace(place) }];
    }
    case 'texts': {
      const { agent, level, text, failed } = decodeEvent(channel, payload);
      return [
        {
          tick,
          what: 'log',
          agent,
          level: logLevels[level] ?? String(level),
          text,
          ...(failed && { failed }),
        },
      ];
    }
    case 'digests': {
      const { digest, tasks, messages, fuel, faults } = decodeEvent(channel, payload);
      return [{ tick, what: 'digest', digest: encodeHex(digest), tasks, messages, fuel, faults }];
    }
    default:
      return [];
  }
}

function inputFacts(tick: number, { inputs, redacted = [] }: SealedTick, names: Names): Happening[] {
  return inputs.map((input, position) => ({
    tick,
    what: 'input',
    kind: inputKindName[input.kind as InputKind] ?? String(input.kind),
    ...receiver(input, names),
    ...(input.kind === InputKind.answer && { request: readAnswerDetail(input).number }),
    ...(input.kind === InputKind.declareModel && { payload: input.detail }),
    ...(input.priority !== 0 && { priority: input.priority }),
    ...(redacted.includes(position) ? { payloadSha256: encodeHex(input.payload) } : payloadOf(input.payload)),
  }));
}

/** Names by number. */
interface Names {
  /** All whose creation the log has told so far. */
  readonly created: string[];
  /** Those of the configuration: inputs of the first tick name them before their creation is told. */
  readonly declared: readonly string[];
}

function declaredAgents(config: Uint8Array): string[] {
  const { agents } = JSON.parse(decodeUtf8(config) ?? '{}') as Partial<SystemConfig>;
  return (agents ?? []).flatMap(({ name, count }) => {
    return count === null ? [name] : Array.from({ length: count }, (_, i) => `${name}/${i}`);
  });
}

function nameOf(number: number, { created }: Names): string {
  return created[number - 1] ?? `#${number}`;
}

const withoutReceiver: ReadonlySet<number> = new Set([
  InputKind.publish,
  InputKind.stop,
  InputKind.useModel,
  InputKind.declareModel,
]);

function receiver(
  { kind, name, origin, counter }: { kind: number; name: string; origin: number; counter: number },
  { declared }: Names,
): Record<string, string> {
  const named = name === '' ? {} : { name };
  if (withoutReceiver.has(kind)) return named;
  if (origin === 0) return { ...named, agent: declared[counter - 1] ?? `0.${counter}` };
  return { ...named, agent: `${origin}.${counter}` };
}

function payloadOf(payload: Uint8Array): { payload?: Uint8Array } {
  return payload.length === 0 ? {} : { payload };
}

function faultPlace({
  functions,
  functionIndex,
  offset,
}: Pick<Fault, 'functions' | 'functionIndex' | 'offset'>): {
  functions?: string;
  functionIndex?: number;
  offset?: number;
} {
  return functions === '' ? {} : { functions, functionIndex, offset };
}

function filled(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
