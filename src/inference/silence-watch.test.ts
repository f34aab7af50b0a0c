import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { decodeInferenceAnswer, ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import type { HostClock } from './host-clock.ts';
import type { HostEvent, HostedModel } from './hosted-model.ts';
import { InferenceProcess } from './inference-process.ts';
import { ModelHost } from './model-host.ts';
import { SilenceWatch } from './silence-watch.ts';
import { elementwise, hosted, withoutRuntime } from './testing/sample-models.ts';

/** Time that passes when it is told to. */
class HeldClock implements HostClock {
  readonly #callbacks: Set<() => void> = new Set();

  nowMs(): number {
    return 0;
  }

  after(_waitMs: number, callback: () => void): () => void {
    const own = (): void => callback();
    this.#callbacks.add(own);
    return () => this.#callbacks.delete(own);
  }

  get isWaitedFor(): boolean {
    return this.#callbacks.size > 0;
  }

  /** All that waits has waited long enough. */
  pass(): void {
    const due = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of due) callback();
  }
}

test('a process is silent after twenty looks in a row without a sign, while something is awaited', () => {
  const clock = new HeldClock();
  const told: string[] = [];
  const watch = new SilenceWatch(clock, (reason) => told.push(reason));
  const look = (times: number): void => {
    for (let i = 0; i < times; i++) clock.pass();
  };
  watch.begin();
  look(100);
  assert.deepEqual(told, [], 'it had not begun');
  watch.heard();
  look(19);
  watch.heard();
  look(19);
  watch.end();
  assert.equal(clock.isWaitedFor, false);
  look(100);
  watch.begin();
  watch.begin();
  look(19);
  assert.deepEqual(told, []);
  look(1);
  assert.deepEqual(told, ['it gave no sign of life in 20 s']);
  assert.equal(clock.isWaitedFor, false);
});

function list(value: number): Uint8Array {
  const data = new Uint8Array(new Float32Array([value]).buffer);
  return encodeTensorList([{ name: 'x', type: ElementType.float32, dims: [1], data }]);
}

async function answerOf(host: ModelHost, model: HostedModel, value: number): Promise<number> {
  const answer = decodeInferenceAnswer((await host.run(model, [list(value)])).answers[0]!);
  assert.ok(answer?.status === 0);
  return new Float32Array(answer.tensors[0]!.data.slice().buffer)[0]!;
}

for (const mode of ['portable', 'native'] as const) {
  test(`what a process that stands still had of a ${mode} model is answered by another one`, {
    skip: process.platform === 'win32' || withoutRuntime(mode),
    timeout: 120_000,
  }, async () => {
    const clock = new HeldClock();
    const events: HostEvent[] = [];
    const processes: InferenceProcess[] = [];
    const host = new ModelHost({
      modelBytesMax: 2 ** 30,
      onEvent: (event) => events.push(event),
      startProcess: () => {
        processes.push(new InferenceProcess(clock));
        return processes.at(-1)!;
      },
    });
    const model = hosted(elementwise('Neg'), { mode });
    try {
      assert.equal(await answerOf(host, model, 1), -1);
      const [stopped] = processes;
      process.kill(stopped!.pid!, 'SIGSTOP');
      const under = Promise.all([2, 3].map((value) => answerOf(host, model, value)));
      // Signs that were on their way are heard in between.
      while (!stopped!.lost) {
        clock.pass();
        await nextTurn();
      }
      assert.deepEqual(await under, [-2, -3]);
      assert.equal(processes.length, 2);
      const lost = events.filter(({ kind }) => kind === 'inference-process-lost');
      assert.ok(lost.length > 0);
      assert.ok(lost.every(({ reason }) => reason === 'it gave no sign of life in 20 s'));
    } finally {
      await host.close();
    }
  });
}
