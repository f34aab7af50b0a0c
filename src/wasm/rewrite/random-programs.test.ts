import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Status } from '../../abi/guest-exports.ts';
import { assemble, start, startPlain } from '../test-module.ts';
import { SampleProgram } from './sample-program.ts';

const seeds = 150;
const fuel = 1e7;

function valuesFor(params: readonly string[], round: number): (number | bigint)[] {
  return params.map((type, index) => (type === 'i64' ? BigInt(round * 3 + index) : round * 5 - index));
}

/** The plain module's memory and globals, as far as they show. */
function stateOf(exports: Record<string, unknown>, buffer: ArrayBufferLike): unknown {
  const bytes = new Uint8Array(buffer);
  let hash = bytes.length;
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] !== 0) hash = (Math.imul(hash, 31) + bytes[i]! * (i + 1)) | 0;
  const value = (name: string) => String((exports[name] as { value: unknown }).value);
  return [hash, value('gi'), value('gl')];
}

function check(seed: number): { compared: number; trapped: number } {
  const program = new SampleProgram(seed);
  const bytes = assemble(program.text());
  const plain = startPlain(bytes);
  const running = start(bytes, { pagesMax: 3 });
  const plainBuffer = () => (plain.exports['memory'] as unknown as { buffer: ArrayBufferLike }).buffer;
  let [compared, trapped] = [0, 0];
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < program.functionCount; index++) {
      const values = valuesFor(program.signature(index).params, round);
      const { value, trap, status, used } = running.call(`f${index}`, values, fuel);
      assert.equal(status, Status.none);
      assert.deepEqual({ value, trap }, plain.call(`f${index}`, values), `f${index}`);
      assert.deepEqual(
        stateOf(running.exports, running.memory.buffer),
        stateOf(plain.exports, plainBuffer()),
      );
      compared++;
      if (trap !== undefined) {
        trapped++;
        return { compared, trapped };
      }
      assert.ok(used > 0);
    }
  }
  return { compared, trapped };
}

test('random programs give the same results, traps, memory and globals as without instrumentation', () => {
  let [compared, trapped] = [0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const counts = check(seed);
      compared += counts.compared;
      trapped += counts.trapped;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  assert.ok(compared > seeds * 3, `${compared} calls compared`);
  assert.ok(trapped > seeds / 10 && trapped < seeds, `${trapped} of ${seeds} programs trapped`);
});

test('random programs need exactly the fuel that they use', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const program = new SampleProgram(seed);
    const bytes = assemble(program.text());
    const run = (limit: number) => {
      const running = start(bytes, { pagesMax: 3 });
      return running.call('f1', valuesFor(program.signature(1).params, 0), limit);
    };
    const enough = run(fuel);
    if (enough.trap !== undefined) continue;
    assert.deepEqual(run(enough.used), enough, `seed ${seed}`);
    for (const limit of [0, 1, enough.used >> 1, enough.used - 2]) {
      const { trap, used, status } = run(limit);
      // What is charged after the last test shows as fuel below zero, which is exhaustion too.
      if (trap === undefined) assert.ok(used > limit, `seed ${seed}, limit ${limit}`);
      else assert.equal(status, Status.outOfFuel, `seed ${seed}, limit ${limit}`);
    }
  }
});

async function outcomes(...flags: string[]): Promise<string[]> {
  const program = join(import.meta.dirname, 'sample-outcomes.ts');
  const all = [...flags, '--disable-warning=ExperimentalWarning', program, '60'];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  return stdout.trim().split('\n');
}

test('random programs have the same outcomes and use the same fuel in every tier', async () => {
  const [mixed, baseline, optimised] = await Promise.all([
    outcomes(),
    outcomes('--liftoff-only'),
    outcomes('--no-liftoff'),
  ]);
  assert.equal(mixed.length, 60);
  assert.deepEqual(baseline, mixed);
  assert.deepEqual(optimised, mixed);
});
