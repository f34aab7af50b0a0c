// Whatever the failure, the same is lost and the same stands: of the turn, of the agent, and of nobody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FaultKind, faultCodes } from '../../abi/fault.ts';
import type { RestartPolicyName } from '../config/system-config.ts';
import type { AgentDescription } from '../index.ts';
import { agent, importText } from '../testing/agents.ts';
import { create } from '../testing/create-run.ts';
import { KeptOutputs, newFolder, recorded } from '../testing/runs.ts';

/** What a task does after it has counted and given the count as output. */
const bodies: readonly (readonly [FaultKind, string])[] = [
  ['unreachable', 'unreachable'],
  ['negative-return', '(return (i32.const -7))'],
  ['unknown-return', '(return (i32.const 3))'],
  ['out-of-fuel', '(loop $l (br $l))'],
  ['stack-exhausted', '(call $deep)'],
  ['memory-out-of-bounds', '(drop (i32.load (i32.const -4)))'],
  ['table-out-of-bounds', '(drop (table.get $t (i32.const 9)))'],
  ['indirect-call-mismatch', '(call_indirect $t (i32.const 0))'],
  ['integer-overflow', '(drop (i32.trunc_f64_s (f64.const 1e300)))'],
  ['divide-by-zero', '(drop (i32.div_u (i32.const 1) (i32.load (i32.const 64))))'],
];
/** Larger than the inbox: they fail in `agent_alloc`. */
const payloadBytes: Partial<Record<FaultKind, number>> = {
  'inbox-out-of-bounds': 5000,
  'host-call-not-allowed': 20_000,
};

const cases = bodies
  .map(([, body], i) => `(if (i32.eq (local.get $n) (i32.const ${i + 1})) (then ${body}))`)
  .join('\n');

const failing = agent({
  before: `${importText('output', 2)} ${importText('log', 3)}
    (table $t 2 funcref) (global $count (mut i32) (i32.const 0)) (func $deep (call $deep))`,
  receive: `(local $n i32)
    (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 5)) (then (return (i32.const 0))))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 0) (global.get $count))
    (i32.store8 (i32.const 1) (i32.add (i32.load8_u (i32.const 1)) (i32.const 1)))
    (drop (call $output (i32.const 0) (i32.const 2)))
    (drop (call $log (i32.const 1) (i32.const 32) (i32.const 1)))
    (local.set $n (i32.load8_u (i32.load offset=52 (local.get $at))))
    ${cases}
    (i32.const 0)`,
  alloc: `(if (i32.gt_u (local.get $size) (i32.const 16384)) (then (drop (call $output (i32.const 0) (i32.const 1)))))
    (select (i32.const 8192) (i32.const -8) (i32.le_u (local.get $size) (i32.const 4096)))`,
});

interface Told {
  /** Both counts of each output. */
  readonly counts: string[];
  readonly faults: string[];
  readonly texts: boolean[];
  readonly events: string[];
}

/** One message that stands; then a turn of one that stands, one that fails, and two behind it. */
async function fail(kind: FaultKind, policy: RestartPolicyName): Promise<Told> {
  const failed: AgentDescription = {
    module: failing,
    capabilities: ['output', 'log'],
    limits: { fuelPerTask: 100_000, attemptsMax: 1 },
    restart: { policy, imageTicks: 1 },
  };
  const [folder, outputs] = [newFolder(), new KeptOutputs()];
  const run = await create({ agents: { failed } }, { outputs, runDirectory: folder });
  const send = (byte: number, size = 1): void => {
    const payload = new Uint8Array(size);
    payload[0] = byte;
    run.send('failed', { payload });
  };
  send(0);
  await run.settle();
  send(0);
  send(bodies.findIndex(([name]) => name === kind) + 1, payloadBytes[kind]);
  send(0);
  send(0);
  await run.settle();
  await run.close();
  return {
    counts: outputs.list.map(({ payload }) => payload.join(' ')),
    faults: recorded(folder, 'faults').map((fault) => fault.kind),
    texts: recorded(folder, 'texts').map((text) => text.failed),
    events: recorded(folder, 'events').map((event) => `${event.kind} ${event.reason}`.trim()),
  };
}

const kinds = Object.keys(faultCodes) as FaultKind[];
for (const kind of kinds) {
  // Given to an agent by an input, and not by its task.
  if (kind === 'quarantined') continue;
  test(`after ${kind} memory and globals are gone, or those of the image; earlier tasks stand, later ones follow`, async () => {
    const failsBefore = kind in payloadBytes;
    const texts = failsBefore ? [false, false, false, false] : [false, false, true, false, false];
    const anew = await fail(kind, 'from-init');
    assert.deepEqual(anew.counts, ['1 1', '2 2', '1 1', '2 2']);
    assert.deepEqual([anew.faults, anew.texts], [[kind], texts]);
    const dead = ['spawned', 'dropped poison', `backing-off ${kind}`];
    assert.deepEqual(anew.events, [...dead, 'restarted from-init']);

    const image = await fail(kind, 'from-image');
    assert.deepEqual(image.counts, ['1 1', '2 2', '2 2', '3 3']);
    assert.deepEqual([image.faults, image.texts], [[kind], texts]);
    assert.deepEqual(image.events, [...dead, 'restarted from-image']);

    const never = await fail(kind, 'never');
    assert.deepEqual(never.counts, ['1 1', '2 2']);
    const rest = Array.from({ length: 3 }, () => 'dropped receiver-stopped');
    assert.deepEqual(never.events, ['spawned', `failed ${kind}`, ...rest]);
  });
}
