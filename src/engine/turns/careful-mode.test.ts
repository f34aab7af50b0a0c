// How a run goes on after its process died of itself: with the same record, but for agents that are quarantined.

import assert from 'node:assert/strict';
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeStorage, TurnMarker } from '../../log/index.ts';
import {
  createSystem,
  EngineError,
  Orchestrator,
  openInput,
  replayRun,
  type SystemDescription,
} from '../index.ts';
import { nodePorts } from '../ports.ts';
import { counting, echo } from '../testing/create-run.ts';
import { createGenerated, generatedSystem } from '../testing/generated-system.ts';
import { chainOf, KeptOutputs, newFolder, outputText, recorded } from '../testing/runs.ts';
import { CarefulMode, takeMarkedTurn } from './careful-mode.ts';

function linesFile(lines: readonly string[]): string {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

/** What a process that dies now would leave. */
function copyOf(folder: string): string {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  return copy;
}

test('a run that goes on carefully has the chain of one whose process did not die', () =>
  fc.assert(
    fc.asyncProperty(
      generatedSystem,
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom('tick', 'batch', 'none'),
      fc.constantFrom(0, 2),
      async (generated, deathTick, durability, workers) => {
        const [folder, input] = [newFolder(), linesFile(generated.lines)];
        const system = await createGenerated(generated, { durability });
        const first = await Orchestrator.create({ system, runDirectory: folder });
        let copy: string | undefined;
        const onTick = (): void => {
          if (first.tick >= deathTick) copy ??= copyOf(folder);
        };
        await first.run({ source: openInput(input), ticks: 40, onTick });
        copy ??= copyOf(folder);
        try {
          const careful = { quarantined: [] };
          const run = await Orchestrator.resume({ runDirectory: copy, workers, careful });
          await run.run({ source: openInput(input), ticks: 40 });
        } catch (error) {
          if (!(error instanceof EngineError) || error.code !== 'run-directory-invalid') throw error;
        }
        assert.deepEqual(chainOf(copy), chainOf(folder));
        assert.equal(existsSync(join(copy, 'turn-marker')), false);
        assert.equal((await replayRun(copy)).complete, true);
      },
    ),
    { numRuns: 15, endOnFailure: true },
  ));

const agents = {
  poisoned: { ...echo, restart: { policy: 'from-init' as const }, onFault: 'watcher' },
  counting: { ...counting, everyTick: true },
  watcher: echo,
};

async function interrupted(description: Partial<SystemDescription> = {}): Promise<string> {
  const runDirectory = newFolder();
  const system = await createSystem({ host: { durability: 'tick' }, agents, ...description });
  const run = await Orchestrator.create({ system, runDirectory });
  run.send('poisoned', { payload: 'before' });
  await run.settle();
  await run.close();
  return runDirectory;
}

/** Goes on with a run whose agent is quarantined in the tick of its second message. */
async function quarantined(folder: string, workers: number, tick: number): Promise<KeptOutputs> {
  const outputs = new KeptOutputs();
  const careful = { quarantined: [{ tick, origin: 0, counter: 1 }] };
  const run = await Orchestrator.resume({ runDirectory: folder, outputs, careful, workers });
  run.send('poisoned', { payload: 'its end' });
  run.send('counting', { payload: 1 });
  await run.settle();
  run.send('poisoned', { payload: 'too late' });
  await assert.doesNotReject(run.run());
  return outputs;
}

test('a quarantined agent fails for good in its tick, whatever its policy; others do not notice, and are told', async () => {
  const folder = await interrupted();
  const tick = chainOf(folder).length + 1;
  const outputs = await quarantined(folder, 0, tick);
  const events = recorded(folder, 'events').filter((event) => event.agent === 'poisoned');
  assert.ok(
    events.some(({ kind, reason, tick: at }) => kind === 'failed' && reason === 'quarantined' && at === tick),
  );
  assert.equal(events.filter(({ kind }) => kind === 'dropped').length, 2);
  assert.equal(
    outputs.texts.some((text) => text.includes(' poisoned ')),
    false,
  );
  assert.equal(outputs.texts.filter((text) => text.includes(' watcher ')).length, 1, 'onFault is told');
  const inputs = recorded(folder, 'inputs').filter((sealed) => sealed.tick === tick);
  assert.equal(inputs.at(-1)!.inputs.length, 3);
  assert.equal((await replayRun(folder, { workers: 1 })).complete, true);
});

test('after a quarantine the digests are the same with any number of workers', async () => {
  const folder = await interrupted();
  const tick = chainOf(folder).length + 1;
  const chains: (readonly string[])[] = [];
  for (const workers of [0, 1, 2]) {
    const copy = copyOf(folder);
    await quarantined(copy, workers, tick);
    chains.push(chainOf(copy));
  }
  assert.deepEqual(chains[1], chains[0]);
  assert.deepEqual(chains[2], chains[0]);
});

test('a tick that is sealed with a quarantine already gets no second one', () => {
  const storage = nodeStorage(newFolder());
  storage.makeFolder('');
  const turns = [
    { tick: 3, origin: 0, counter: 1 },
    { tick: 3, origin: 2, counter: 9 },
    { tick: 4, origin: 0, counter: 2 },
  ];
  const careful = new CarefulMode(storage, { quarantined: turns }, nodePorts.clock);
  const added = careful.quarantines(3, []);
  assert.deepEqual(
    added.map(({ origin, counter }) => [origin, counter]),
    [
      [0, 1],
      [2, 9],
    ],
  );
  assert.deepEqual(careful.quarantines(3, added.slice(1)), added.slice(0, 1));
  assert.deepEqual([careful.quarantines(3, added), careful.quarantines(5, [])], [[], []]);
  careful.end();
});

test('care ends after its time, and leaves no mark', () => {
  const folder = newFolder();
  const storage = nodeStorage(folder);
  storage.makeFolder('');
  let nowMs = 0;
  const clock = { ...nodePorts.clock, nowMs: () => nowMs };
  const careful = new CarefulMode(storage, { quarantined: [] }, clock);
  careful.guard(1, false).beforeTurn({ origin: 0, counter: 1 } as never);
  nowMs = 30_000;
  assert.deepEqual([careful.isOn, existsSync(join(folder, 'turn-marker'))], [true, true]);
  nowMs = 30_001;
  assert.deepEqual([careful.isOn, existsSync(join(folder, 'turn-marker'))], [false, false]);
});

test('outputs behind a place are given again out of the record, with their places, and before anything new', async () => {
  const folder = newFolder();
  const [given, again] = [new KeptOutputs(), new KeptOutputs()];
  const system = await createSystem({ host: { durability: 'tick', snapshotTicks: 3 }, agents: { echo } });
  const run = await Orchestrator.create({ system, runDirectory: folder, outputs: given });
  for (let i = 0; i < 6; i++) {
    run.send('echo', { payload: [i, 'a'] });
    run.send('echo', { payload: [i, 'b'] });
    await run.settle();
  }
  await run.close();
  const from = given.list[4]!;
  const next = await Orchestrator.resume({ runDirectory: folder, outputs: again, outputsAfter: from });
  assert.deepEqual(again.texts, given.texts.slice(5));
  next.send('echo', { payload: 'new' });
  const { digest } = await next.run();
  assert.equal(again.list.length, given.list.length - 5 + 1);
  const last = again.list.at(-2)!;
  // A run that has ended gives what was not delivered, and says how it ended.
  const late = new KeptOutputs();
  const refused = Orchestrator.resume({ runDirectory: folder, outputs: late, outputsAfter: last });
  await assert.rejects(refused, (error) => {
    const { summary, outputs } = (error as EngineError).details as never as {
      summary: { digest: string };
      outputs: number;
    };
    assert.deepEqual([summary.digest, outputs], [digest, 1]);
    return true;
  });
  assert.deepEqual(late.texts, [outputText(again.list.at(-1)!)]);
});

test('a turn that was begun and not ended is read off the run directory, once', () => {
  const folder = newFolder();
  nodeStorage(folder).makeFolder('');
  assert.equal(takeMarkedTurn(folder), undefined);
  const marker = new TurnMarker(nodeStorage(folder));
  marker.begin(2, true);
  marker.mark(1, 1);
  assert.deepEqual(takeMarkedTurn(folder), { tick: 2, origin: 1, counter: 1 });
  assert.equal(takeMarkedTurn(folder), undefined);
});
