// For tests only: random command streams for puppets, the same for the same seed, and what every executor answers.

import { TaskKind } from '../abi/envelope.ts';
import { hostFunctionNames, hostFunctions } from '../abi/host-functions.ts';
import { prngFromBytes, prngNext } from '../base/prng.ts';
import { CommandWriter } from './command-writer.ts';
import type { Pool, ResultStreams } from './pool.ts';
import { turnResultWords } from './protocol.ts';
import type { Call, PuppetOp } from './test-modules.ts';
import { addTask, payloadOf, type TestTask } from './test-sandbox.ts';

type Roll = (below: number) => number;

function dice(seed: number): Roll {
  const state = prngFromBytes(new Uint8Array(16).fill(1));
  state[0] = seed;
  for (let i = 0; i < 20; i++) prngNext(state);
  return (below) => prngNext(state) % below;
}

/** What a turn does: tasks of an agent, by its place among the agents of the stream. */
interface TestTurn {
  readonly agent: number;
  readonly tasks: readonly TestTask[];
}

/** Ticks of turns for `agents` agents; those that failed get no more. */
export interface TestStreams {
  readonly agents: number;
  readonly ticks: readonly (readonly TestTurn[])[];
}

const ownOps: readonly PuppetOp[] = ['grow', 'answer', 'store', 'load', 'load', 'store'];

function randomCall(roll: Roll): Call {
  if (roll(3) === 0) {
    const op = ownOps[roll(ownOps.length)]!;
    // Stores reach the texts that later calls read, never the calls that wait.
    if (op === 'store') return [op, 0x100 + roll(0x200), roll(2 ** 31)];
    return [op, op === 'load' ? roll(0x8000) : roll(2)];
  }
  if (roll(60) === 0) return [(['trap', 'spin', 'recurse'] as const)[roll(3)]!];
  const name = hostFunctionNames[roll(hostFunctionNames.length)]!;
  const { parameters, lengths } = hostFunctions[name];
  const values = Array.from({ length: parameters }, (_, i) => {
    if (lengths.includes(i)) return roll(8) === 0 ? roll(2000) : roll(8);
    return roll(10) === 0 ? roll(2 ** 31) * 2 : [roll(4), 0x100, 0x100 + roll(0x200)][roll(3)]!;
  });
  return [name, ...values];
}

export function randomStreams(seed: number, agents: number, ticks: number): TestStreams {
  const roll = dice(seed);
  const kinds = [TaskKind.message, TaskKind.topic, TaskKind.timer, TaskKind.scheduled];
  const task = (): TestTask => ({
    kind: kinds[roll(kinds.length)]!,
    topic: roll(2) === 0 ? '' : 'news of the day'.slice(0, roll(16)),
    payload: payloadOf(Array.from({ length: roll(6) }, () => randomCall(roll))),
    detail: roll(3),
  });
  const turn = (agent: number): TestTurn => ({ agent, tasks: Array.from({ length: 1 + roll(3) }, task) });
  return {
    agents,
    ticks: Array.from({ length: ticks }, () =>
      Array.from({ length: agents }, (_, agent) => agent)
        .filter(() => roll(4) > 0)
        .map(turn),
    ),
  };
}

/**
 * Runs streams on a pool with agents numbered from `first`; per tick, each turn's result words but for agent
 * numbers.
 */
export async function runStreams(pool: Pool, streams: TestStreams, first: number): Promise<number[][][]> {
  const alive = new Set<number>();
  const create = Array.from({ length: streams.agents }, (_, agent) => ({
    agent,
    tasks: [{ kind: TaskKind.init as TaskKind }],
  }));
  const answers: number[][][] = [];
  for (const [tick, turns] of [create, ...streams.ticks].entries()) {
    const writers = Array.from({ length: pool.size }, () => new CommandWriter());
    for (const writer of writers) writer.begin(tick + 1, tick * 10, 0);
    const running = tick === 0 ? turns : turns.filter(({ agent }) => alive.has(agent));
    for (const turn of running) writeTurn(pool, writers, turn, first, tick === 0);
    for (const writer of writers) writer.end();
    const results = await pool.run(writers.map((writer) => (writer.isEmpty ? undefined : writer.buffer)));
    const found = running.map(({ agent }) => ({ agent, words: [] as number[] }));
    for (const turn of found)
      turn.words = takeTurn(results[(first + turn.agent) % pool.size], first + turn.agent);
    for (const { agent, words } of found) {
      if (endsAgent(words)) alive.delete(agent);
      else alive.add(agent);
    }
    answers.push(found.map(({ agent, words }) => [agent, ...words]));
  }
  return answers;
}

function writeTurn(
  pool: Pool,
  writers: readonly CommandWriter[],
  { agent, tasks }: TestTurn,
  first: number,
  begins: boolean,
): void {
  const number = first + agent;
  const executor = number % pool.size;
  const writer = writers[executor]!;
  if (begins) {
    pool.provideMemory(executor, { agentNumber: number, pagesMin: 1, pagesMax: 8, image: null });
    writer.create(number, 0, 0, 0, agent + 1, 0, 1, 0, prngFromBytes(new Uint8Array(16).fill(agent + 1)));
  }
  writer.turn(number, tasks.length);
  for (const task of tasks) addTask(writer, task);
}

/** The result words of one agent's turn, behind its number; identities that hold the number are made relative. */
function takeTurn(stream: ResultStreams[number], number: number): number[] {
  if (stream === undefined || stream === 'lost') throw new Error('an executor with turns answers');
  const { words, used } = stream;
  for (let at = 0; at < used; ) {
    const start = at;
    at += turnResultWords;
    for (let i = 0; i < words[start + 1]!; i++) at += words[at]!;
    at += words[start + 3]!;
    if (words[start] === number) return [...words.subarray(start + 1, at)];
  }
  throw new Error(`no answer for agent ${number}`);
}

/** Whether the last record of a turn says failed or finished. */
function endsAgent(words: readonly number[]): boolean {
  let outcome = 0;
  let at = turnResultWords - 1;
  for (let count = words[0]!; count > 0; count--) {
    outcome = words[at + 1]!;
    at += words[at]!;
  }
  return outcome >= 2;
}
