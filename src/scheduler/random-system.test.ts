// Random systems: what must always hold does, and executors cannot be seen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TaskKind } from '../abi/envelope.ts';
import { prngFromBytes, prngNext } from '../base/prng.ts';
import type { Input } from '../log/input.ts';
import { hasRunnable, type Overflow, type Policy, type Task } from './index.ts';
import * as effect from './test-effects.ts';
import { type Act, TestSystem } from './test-system.ts';

interface Shape {
  readonly seed: number;
  readonly policy: Policy;
  readonly ageTicks: number;
  readonly tasksPerTickMax: number;
  readonly mailboxMessagesMax: number;
  readonly overflow: Overflow;
  readonly restartsMax: number;
  readonly ticks: number;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  seed: fc.nat(),
  policy: fc.constantFrom('fifo', 'priority', 'round-robin'),
  ageTicks: fc.constantFrom(0, 0, 2),
  tasksPerTickMax: fc.constantFrom(1, 3, 10, 1000),
  mailboxMessagesMax: fc.constantFrom(1, 2, 5, 100),
  overflow: fc.constantFrom('reject', 'drop-newest', 'drop-oldest', 'block'),
  restartsMax: fc.constantFrom(0, 0, 3),
  ticks: fc.integer({ min: 1, max: 40 }),
});

/** What an instance counts. */
interface Counted {
  timer: number;
  child: number;
  readonly pending: Set<number>;
}

/** Draws whole numbers below a bound, the same ones for the same seed. */
function dice(seed: number): (below: number) => number {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, seed, true);
  const state = prngFromBytes(bytes);
  for (let i = 0; i < 20; i++) prngNext(state);
  return (below) => prngNext(state) % below;
}

const channels = ['x', 'y'];

class RandomRun {
  readonly system: TestSystem;
  readonly plans: (readonly string[])[] = [];
  readonly events: (readonly string[])[] = [];
  readonly #roll: (below: number) => number;
  readonly #shape: Shape;
  /** What each agent has counted, as its instance would. */
  readonly #counted: Map<number, Counted> = new Map();
  #hostCounter = 4;
  /** Ask before every tick whether there is work. */
  look = false;

  constructor(shape: Shape, executors: number, scatter: number) {
    const { overflow, mailboxMessagesMax, restartsMax, policy, ageTicks, tasksPerTickMax, seed } = shape;
    const limits = { mailboxMessagesMax, deliveriesPerTickMax: 12, timersMax: 4 };
    const restart = { policy: 'from-init', restartsMax, backoffTicks: 1, backoffTicksMax: 4 } as const;
    const shared = { limits, overflow, restart };
    this.#shape = shape;
    this.#roll = dice(seed);
    this.system = new TestSystem({
      agents: {
        a: { ...shared, count: 2, subscriptions: [0] },
        b: { ...shared, everyTick: true, channels: ['x'], configuration: 'c' },
        c: { ...shared, count: null, subscriptions: [1, 0] },
      },
      topics: [
        { name: 't', overflow },
        { name: 'u', overflow, maxWaiting: 2 },
      ],
      agentsMax: 8,
      policy,
      ageTicks,
      tasksPerTickMax,
      executors,
      scatter,
    });
  }

  run(): this {
    for (let i = 0; i < this.#shape.ticks; i++) this.#tick(this.#inputs());
    this.#tick([effect.host.stop()]);
    for (let i = 0; hasRunnable(this.system.state); i++) {
      assert.ok(i < 200, 'a run that was stopped comes to its end');
      this.#tick([]);
    }
    assert.equal(this.system.state.aliveCount, 0);
    return this;
  }

  #tick(inputs: Input[]): void {
    // What a task does is drawn in plan order, so that it cannot depend on the order of execution.
    const seed = this.#roll(2 ** 31);
    if (this.look) hasRunnable(this.system.state);
    const ran = this.system.tick(inputs, (task) => this.#act(task, dice(seed ^ (task.position * 7919))));
    this.plans.push(ran.plan);
    this.events.push(ran.events);
  }

  #identity(roll: (below: number) => number): { origin: number; counter: number } {
    const agents = this.system.state.agents.filter((agent) => agent !== undefined);
    return roll(10) === 0 ? { origin: roll(9), counter: roll(9) } : agents[roll(agents.length)]!;
  }

  #inputs(): Input[] {
    const roll = this.#roll;
    return Array.from({ length: roll(4) }, () => {
      const agent = this.#identity(roll);
      const fields = { priority: roll(5) - 2, waits: roll(2) === 0 };
      switch (roll(10)) {
        case 0:
          return effect.host.publish(['t', 'u', 'x', 'y'][roll(4)]!, `p${roll(100)}`, fields);
        case 1:
          return effect.host.spawn(++this.#hostCounter, 'abc'[roll(3)]!, 's');
        case 2:
          return effect.host.join(agent, channels[roll(2)]!);
        case 3:
          return effect.host.leave(agent, channels[roll(2)]!);
        case 5:
          return effect.host[(['pause', 'resume', 'resume', 'step'] as const)[roll(4)]!](agent);
        case 4:
          return roll(3) === 0 ? effect.host.terminate(agent) : effect.host.task(agent, 't', fields);
        default:
          return effect.host.message(agent, `m${roll(100)}`, fields);
      }
    });
  }

  #act(task: Task, roll: (below: number) => number): Act {
    const { agent } = task;
    const outcome = (['done', 'done', 'done', 'again', 'finished', 'failed'] as const)[roll(12)] ?? 'done';
    const counted = this.#counted.get(agent.number) ?? { timer: 0, child: 1, pending: new Set() };
    this.#counted.set(agent.number, counted);
    if (task.kind === TaskKind.timer) counted.pending.delete(task.detail);
    if (task.kind === TaskKind.init) counted.pending.clear();
    const shutdown = task.kind === TaskKind.shutdown;
    const effects = Array.from({ length: roll(5) }, () =>
      this.#effect(task, roll(shutdown ? 4 : 12), counted, roll),
    );
    return outcome === 'failed' ? { outcome, effects: [effect.log('last words')] } : { outcome, effects };
  }

  #effect(
    { agent }: Task,
    choice: number,
    counted: Counted,
    roll: (below: number) => number,
  ): readonly number[] {
    switch (choice) {
      case 0:
        return effect.output(`o${roll(100)}`);
      case 1:
        return effect.publish(roll(2), `p${roll(100)}`);
      case 2:
        return effect.publishChannel(channels[roll(2)]!, 'q');
      case 4:
        return roll(2) === 0 ? effect.subscribe(roll(2)) : effect.unsubscribe(roll(2));
      case 5:
        return roll(2) === 0 ? effect.join(channels[roll(2)]!) : effect.leave(channels[roll(2)]!);
      case 6:
        return changeTimers(counted, roll);
      case 7:
        return effect.spawn(counted.child++, roll(3), 'child');
      case 8:
        return effect.terminate({ origin: agent.number, counter: roll(counted.child + 1) });
      default:
        return effect.send(this.#identity(roll), `m${roll(100)}`);
    }
  }
}

/** As the sandbox does: within the limit of pending timers. */
function changeTimers(counted: Counted, roll: (below: number) => number): readonly number[] {
  if (counted.pending.size === 4 || roll(2) === 0) {
    const number = roll(counted.timer + 1);
    counted.pending.delete(number);
    return effect.cancelTimer(number);
  }
  counted.pending.add(counted.timer);
  return effect.setTimer(counted.timer++, 1 + roll(4), roll(9));
}

test('transcripts are equal whatever the number of executors and the order and place of their results', () => {
  fc.assert(
    fc.property(
      shapes,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 100 }),
      (shape, executors, scatter) => {
        const one = new RandomRun(shape, 1, 0).run();
        const other = new RandomRun(shape, executors, scatter).run();
        assert.deepEqual(other.plans, one.plans);
        assert.deepEqual(other.events, one.events);
        assert.deepEqual(other.system.transcripts, one.system.transcripts);
      },
    ),
    { numRuns: 150 },
  );
});

test('looking whether there is work changes nothing', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const looking = new RandomRun(shape, 1, 0);
      looking.look = true;
      assert.deepEqual(looking.run().system.transcripts, new RandomRun(shape, 1, 0).run().system.transcripts);
    }),
    { numRuns: 60 },
  );
});
