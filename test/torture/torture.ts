// Torture: runs whose processes are killed again and again must come to just what they come to without that.

import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeUtf8, encodeHex } from '../../src/base/encoding.ts';
import { replayRun } from '../../src/engine/index.ts';
import { recorded } from '../../src/engine/testing/runs.ts';
import { lastObject, outputLines, start } from '../e2e/supervised.ts';
import { createScenario, type Scenario } from './scenario.ts';
import { type Tormented, torment } from './torment.ts';

interface Expected {
  readonly chain: readonly string[];
  readonly outputs: readonly string[];
}

function chainOf(runDirectory: string): string[] {
  return recorded(runDirectory, 'digests').map(({ tick, digest }) => `${tick} ${encodeHex(digest)}`);
}

/** The run as it goes when nobody kills anything, in one process. */
async function untroubled(scenario: Scenario, environment: Record<string, string>): Promise<Expected> {
  const { system, folder } = scenario;
  const words = ['run', system, '--input', join(folder, 'lines.jsonl'), '--run-dir', join(folder, 'whole')];
  const run = start([...words, '--json', '--no-supervisor'], { cwd: folder, environment });
  run.child.stdin!.end();
  const { code, out, err } = await run.ended;
  assert.equal(code, 0, err);
  return { chain: chainOf(join(folder, 'whole')), outputs: outputLines(out) };
}

/** Epochs tell recoveries apart; what a deterministic run gives in each is the same. */
function withoutEpoch(line: string): string {
  return line.replace(/^\{"epoch":\d+,/, '{');
}

function placeOf(line: string): string {
  return /^\{"epoch":\d+,"tick":\d+,"index":\d+,/.exec(line)![0];
}

/** All outputs, repeats taken away by their places. */
function delivered(scenario: Scenario, { said }: Tormented): string[] {
  const texts = scenario.outputToFile ? [readFileSync(join(scenario.folder, 'outputs.jsonl'), 'utf8')] : said;
  const byPlace = new Map<string, string>();
  for (const text of texts) {
    const places = new Set<string>();
    for (const line of outputLines(text)) {
      const place = placeOf(line);
      assert.equal(places.has(place), false, `one supervisor gives ${place} once`);
      places.add(place);
      assert.equal(byPlace.get(place) ?? line, line, `what is given again is the same`);
      byPlace.set(place, line);
    }
  }
  return [...byPlace.values()];
}

/** Says the first difference, and not thousands of lines. */
function same(found: readonly string[], wanted: readonly string[], what: string): void {
  const at = wanted.findIndex((line, i) => line !== found[i]);
  if (at < 0 && found.length === wanted.length) return;
  const first = at < 0 ? wanted.length : at;
  const text = `${found.length} ${what}, wanted ${wanted.length}; number ${first} is ${found[first]}, wanted ${wanted[first]}`;
  throw new assert.AssertionError({ message: text });
}

/** Each line of the input is in the record, once, in order. */
function compareInputs({ lines }: Scenario, runDirectory: string): void {
  const inputs = recorded(runDirectory, 'inputs').flatMap((sealed) => sealed.inputs);
  const payloads = inputs.filter(({ waits }) => waits).map(({ payload }) => decodeUtf8(payload)!);
  const wanted = lines.map((line) => String((JSON.parse(line) as { payload: number }).payload));
  same(payloads, wanted, 'inputs');
}

async function compare(scenario: Scenario, tormented: Tormented, expected: Expected): Promise<void> {
  const { last, runDirectory } = tormented;
  // A supervisor may die when all is done: then there is nothing to go on with.
  const isOver = last.code === 1 && /^error: Cannot go on .* it has ended, its inputs ended/m.test(last.err);
  if (!isOver) assert.deepEqual([last.code, last.err.match(/^error: .*/gm)], [0, null]);
  compareInputs(scenario, runDirectory);
  const outputs = delivered(scenario, tormented);
  if (scenario.how === 'live') {
    // Its ticks are its own: what it gave is what its record holds. Without durability a tick may be lost, and come
    // otherwise in the next epoch.
    const places = new Set(outputs.map(placeOf));
    const own = recorded(runDirectory, 'outputs').map(
      ({ epoch, tick, index }) => `{"epoch":${epoch},"tick":${tick},"index":${index},`,
    );
    assert.deepEqual(
      own.filter((place) => !places.has(place)),
      [],
    );
    if (scenario.durability !== 'none') assert.equal(places.size, new Set(own).size);
  } else {
    same(chainOf(runDirectory), expected.chain, 'ticks');
    same([...new Set(outputs.map(withoutEpoch))], expected.outputs.map(withoutEpoch), 'outputs');
    if (!isOver) assert.equal(lastObject(last.out).digest, expected.chain.at(-1)!.split(' ')[1]);
  }
  const replayed = await replayRun(runDirectory);
  assert.equal(replayed.complete, true);
}

/**
 * Tortures one run; answers how many kills hit. The folder is removed where all is well.
 * @throws AssertionError where the run came to anything else than without kills
 */
export async function torture(seed: number, folder: string, cache: string): Promise<number> {
  const environment = { NODE_COMPILE_CACHE: cache };
  const scenario = createScenario(seed, folder);
  const [expected, tormented] = [
    await untroubled(scenario, environment),
    await torment(scenario, environment),
  ];
  await compare(scenario, tormented, expected);
  rmSync(folder, { recursive: true, force: true });
  return tormented.kills;
}
