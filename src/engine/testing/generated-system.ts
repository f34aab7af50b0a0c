// Generated systems: agents that run programs, limits small enough to be met, and lines that bring the programs.

import fc from 'fast-check';
import { capabilities as allCapabilities, type Capability } from '../../abi/host-functions.ts';
import { createSystem, type SystemDescription } from '../config/index.ts';
import {
  type Overflow,
  overflows,
  type Policy,
  policies,
  type RestartPolicyName,
  type System,
} from '../config/system-config.ts';
import { Op, programAgent } from './program-agent.ts';

/** These agents ask no models. */
const capabilities = allCapabilities.filter((name) => name !== 'infer' && name !== 'generate');

const byte = fc.nat(255);

function part(program: readonly number[]): number[] {
  const bytes = program.slice(0, 255);
  return [bytes.length, ...bytes];
}

const plain = [
  Op.log,
  Op.output,
  Op.output,
  Op.random,
  Op.again,
  Op.join,
  Op.leave,
  Op.subscribe,
  Op.unsubscribe,
  Op.terminate,
];
const hostile = [Op.finish, Op.trap, Op.spin, Op.recurse, Op.outside, Op.liar, Op.negative, Op.unknown];

/** Programs: short, nested at most three deep, hostile instructions now and then. */
export const program: fc.Arbitrary<number[]> = fc.letrec<{ program: number[]; step: number[] }>((tie) => ({
  program: fc.array(tie('step'), { maxLength: 5 }).map((steps) => steps.flat()),
  step: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    { weight: 6, arbitrary: fc.constantFrom(...plain).map((op) => [op]) },
    { weight: 1, arbitrary: fc.constantFrom(...hostile).map((op) => [op]) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(Op.timer, Op.grow, Op.cancel), byte).map((pair) => [...pair]),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(byte, tie('program')).map(([to, rest]) => [Op.send, to, ...part(rest)]),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(byte, tie('program')).map(([to, rest]) => [Op.publish, to, ...part(rest)]),
    },
    { weight: 2, arbitrary: tie('program').map((rest) => [Op.spawn, ...part(rest)]) },
    { weight: 1, arbitrary: tie('program').map((rest) => [Op.channel, ...part(rest)]) },
  ),
})).program;

export interface GeneratedSystem {
  readonly seed: number;
  readonly policy: Policy;
  readonly ageTicks: number;
  readonly tasksPerTickMax: number;
  readonly inputsPerTickMax: number;
  readonly agentsMax: number;
  readonly mailboxMessagesMax: number;
  readonly effectsPerTurnMax: number;
  readonly maxWaiting: number | undefined;
  readonly everyTick: boolean;
  readonly overflow: Overflow;
  readonly topicOverflow: Overflow;
  readonly restartsMax: number;
  readonly backoffTicks: number;
  readonly fromImage: boolean;
  readonly imageTicks: number;
  readonly onFault: string | undefined;
  readonly lines: readonly string[];
}

const line: fc.Arbitrary<string> = fc
  .record(
    {
      to: fc.oneof(
        { weight: 6, arbitrary: fc.nat(3).map((i) => ({ agent: `one/${i}` })) },
        { weight: 2, arbitrary: fc.constantFrom({ agent: '0.5' }, { agent: '1.1' }, { agent: 'nobody' }) },
        { weight: 3, arbitrary: fc.constantFrom({ topic: 'A' }, { topic: 'B' }, { topic: 'den' }) },
      ),
      program,
      priority: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined, freq: 2 }),
      tick: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined, freq: 8 }),
      broken: fc.nat(15).map((value) => value === 0),
    },
    { noNullPrototype: true },
  )
  .map(({ to, program: bytes, priority, tick, broken }) => {
    const payload = { $base64: Buffer.from(bytes).toString('base64') };
    const text = JSON.stringify({ ...to, payload, priority, tick });
    return broken ? text.slice(0, -2) : text;
  });

export const generatedSystem: fc.Arbitrary<GeneratedSystem> = fc.record(
  {
    seed: fc.nat(1000),
    policy: fc.constantFrom(...policies),
    ageTicks: fc.constantFrom(0, 1, 5),
    tasksPerTickMax: fc.constantFrom(1, 2, 5, 1000),
    inputsPerTickMax: fc.constantFrom(1, 3, 256),
    agentsMax: fc.constantFrom(6, 8, 100),
    mailboxMessagesMax: fc.constantFrom(1, 2, 1000),
    effectsPerTurnMax: fc.constantFrom(3, 1000),
    maxWaiting: fc.constantFrom(undefined, 1),
    everyTick: fc.boolean(),
    overflow: fc.constantFrom(...overflows),
    topicOverflow: fc.constantFrom(...overflows),
    restartsMax: fc.nat(3),
    backoffTicks: fc.nat(4),
    fromImage: fc.boolean(),
    imageTicks: fc.integer({ min: 1, max: 9 }),
    onFault: fc.constantFrom(undefined, 'one/0', 'ticking'),
    lines: fc.array(line, { minLength: 1, maxLength: 25 }),
  },
  { noNullPrototype: true },
);

const module = programAgent();

export function describeGenerated(system: GeneratedSystem): SystemDescription {
  const { seed, ageTicks, tasksPerTickMax, inputsPerTickMax, agentsMax } = system;
  const { mailboxMessagesMax, effectsPerTurnMax, maxWaiting, everyTick } = system;
  const limits = {
    fuelPerTask: 50_000,
    memoryPagesMax: 4,
    messageBytesMax: 300,
    mailboxMessagesMax,
    effectsPerTurnMax,
    timersMax: 3,
  };
  const every: readonly Capability[] = capabilities;
  const { overflow, topicOverflow, restartsMax, backoffTicks, fromImage, imageTicks, onFault } = system;
  const policy: RestartPolicyName = fromImage ? 'from-image' : 'from-init';
  const restart = restartsMax === 0 ? undefined : { policy, restartsMax, backoffTicks, imageTicks };
  const common = { module, capabilities: every, limits, overflow, restart };
  return {
    run: { seed, policy: system.policy, ageTicks, onFault, tasksPerTickMax, inputsPerTickMax, agentsMax },
    agents: {
      one: { ...common, count: 4, subscriptions: ['A', 'B'] },
      ticking: { ...common, everyTick, channels: ['den'], config: 'no program of its own' },
      child: { ...common, count: 0, subscriptions: ['B'] },
    },
    topics: { A: {}, B: { maxWaiting, overflow: topicOverflow } },
  };
}

export function createGenerated(
  system: GeneratedSystem,
  host: SystemDescription['host'] = {},
): Promise<System> {
  return createSystem({ ...describeGenerated(system), host });
}
