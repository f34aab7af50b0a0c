// What a record tells about its run, gathered in one pass over the log, in memory that does not grow with the run.

import { encodeHex } from '../../base/encoding.ts';
import {
  type ChannelName,
  decodeEvent,
  finishedTicks,
  type LogEvent,
  openRunDirectory,
  type RunDirectory,
  type RunManifest,
  readEvents,
} from '../../log/index.ts';
import type { Phase } from '../../scheduler/index.ts';
import { baseAgents } from './base-agents.ts';
import { outcomeFacts } from './task-facts.ts';

/** Faults that are kept one by one at most. */
const firstFaultsMax = 20;

export interface FaultFact {
  readonly tick: number;
  readonly agent: string;
  readonly kind: string;
  readonly message: string;
}

/** Totals of one agent. Tasks and fuel are 0 where the run kept no outcomes. */
export interface AgentFacts {
  readonly name: string;
  tasks: number;
  fuel: number;
  outputs: number;
  faults: number;
  texts: number;
  dropped: number;
  state: 'running' | 'stopping' | 'stopped' | 'failed';
}

export interface RunFacts {
  readonly manifest: RunManifest;
  readonly modules: readonly string[];
  /** Version of Node that wrote the last part. */
  node: string;
  epoch: number;
  /** Why the run ended; undefined: it is still going, or was cut off. */
  ended: string | undefined;
  ticks: number;
  executed: number;
  digest: string;
  inputs: number;
  tasks: number;
  messages: number;
  fuel: number;
  faults: number;
  outputs: number;
  dropped: number;
  refusedCalls: number;
  /** The first twenty. */
  readonly firstFaults: FaultFact[];
  /** In order of creation. */
  readonly agents: AgentFacts[];
}

/**
 * Reads a whole record, also of a run that is still going or was cut off. Everything is checked on the way.
 * @throws EngineError `run-directory-invalid`, `record-damaged`
 */
export function gatherRun(path: string): RunFacts {
  const directory = openRunDirectory(path);
  const facts = emptyFacts(directory);
  const byName = new Map<string, AgentFacts>();
  for (const { name, phase } of baseAgents(directory)) addAgent(facts, byName, name, stateOf(phase));
  const reader = readEvents(directory);
  for (const event of finishedTicks(reader)) addEvent(facts, byName, event);
  // An end that the log does not close may be followed by more.
  if (!reader.end.complete) facts.ended = undefined;
  return facts;
}

function emptyFacts(directory: RunDirectory): RunFacts {
  return {
    manifest: directory.manifest,
    modules: directory.moduleHashes(),
    node: '',
    epoch: 0,
    ended: undefined,
    ticks: 0,
    executed: 0,
    digest: '',
    inputs: 0,
    tasks: 0,
    messages: 0,
    fuel: 0,
    faults: 0,
    outputs: 0,
    dropped: 0,
    refusedCalls: 0,
    firstFaults: [],
    agents: [],
  };
}

function addEvent(facts: RunFacts, byName: Map<string, AgentFacts>, { channel, payload }: LogEvent): void {
  const add = handlers[channel];
  if (add !== undefined) add(facts, byName, payload);
}

type Handler = (facts: RunFacts, byName: Map<string, AgentFacts>, payload: Uint8Array) => void;

const handlers: Readonly<Partial<Record<ChannelName, Handler>>> = {
  'run-started': (facts, _byName, payload) => {
    const { node, epoch } = decodeEvent('run-started', payload);
    Object.assign(facts, { node, epoch, ended: undefined });
  },
  'run-ended': (facts, _byName, payload) => {
    facts.ended = decodeEvent('run-ended', payload).reason;
  },
  inputs: (facts, _byName, payload) => {
    facts.inputs += decodeEvent('inputs', payload).inputs.length;
  },
  digests: (facts, _byName, payload) => {
    const { tick, digest, tasks, messages, fuel, outputs } = decodeEvent('digests', payload);
    facts.ticks = tick;
    facts.executed++;
    facts.digest = encodeHex(digest);
    facts.tasks += tasks;
    facts.messages += messages;
    facts.fuel += fuel;
    // A redacted record may not hold them.
    facts.outputs += outputs;
  },
  outcomes: (facts, _byName, payload) => {
    const outcomes = decodeEvent('outcomes', payload);
    for (const { number, fuel } of outcomeFacts(outcomes)) {
      const agent = facts.agents[number - 1];
      if (agent === undefined) continue;
      agent.tasks++;
      agent.fuel += fuel;
    }
  },
  outputs: (_facts, byName, payload) => {
    const agent = byName.get(decodeEvent('outputs', payload).agent);
    if (agent !== undefined) agent.outputs++;
  },
  faults: (facts, byName, payload) => {
    const { tick, agent, kind, message } = decodeEvent('faults', payload);
    facts.faults++;
    if (facts.firstFaults.length < firstFaultsMax) facts.firstFaults.push({ tick, agent, kind, message });
    const failed = byName.get(agent);
    if (failed !== undefined) failed.faults++;
  },
  texts: (_facts, byName, payload) => {
    const agent = byName.get(decodeEvent('texts', payload).agent);
    if (agent !== undefined) agent.texts++;
  },
  events: (facts, byName, payload) => {
    const { kind, agent, count } = decodeEvent('events', payload);
    // Agents are created in the order of their numbers.
    if (kind === 'spawned') addAgent(facts, byName, agent);
    const of = byName.get(agent);
    if (kind === 'dropped') {
      facts.dropped += count;
      if (of !== undefined) of.dropped += count;
    } else if (kind === 'call-refused') facts.refusedCalls += count;
    else if (of !== undefined && (kind === 'stopping' || kind === 'stopped' || kind === 'failed'))
      of.state = kind;
  },
};

function stateOf(phase: Phase): AgentFacts['state'] {
  return phase === 'stopping' || phase === 'stopped' || phase === 'failed' ? phase : 'running';
}

function addAgent(
  facts: RunFacts,
  byName: Map<string, AgentFacts>,
  name: string,
  state: AgentFacts['state'] = 'running',
): void {
  const agent: AgentFacts = {
    name,
    tasks: 0,
    fuel: 0,
    outputs: 0,
    faults: 0,
    texts: 0,
    dropped: 0,
    state,
  };
  facts.agents.push(agent);
  byName.set(name, agent);
}
