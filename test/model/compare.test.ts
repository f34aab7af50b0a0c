// The scheduler beside the reference model, on systems that nobody thought of. MODEL_RUNS sets how many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dropReasonName, TaskKind } from '../../src/abi/envelope.ts';
import { eventKindNames } from '../../src/scheduler/index.ts';
import { compare, type Met } from './compare.ts';
import { generatedCase } from './generated.ts';

const numRuns = Number(process.env['MODEL_RUNS'] ?? 500);

test('plans, deliveries, drops, events, outputs and mailboxes are those of the reference model', () => {
  const met: Met = new Map();
  fc.assert(
    fc.property(generatedCase, (generated) => compare(generated, met)),
    { numRuns },
  );
  if (numRuns < 1000) return;
  // A generator that never reaches a rule says nothing about it; a short run may miss the rarest.
  const wanted = [
    ...eventKindNames.slice(1).map((kind) => `event ${kind}`),
    ...Object.values(TaskKind).map((kind) => `task ${kind}`),
    ...Object.keys(dropReasonName).map((reason) => `drop ${reason}`),
  ];
  const missing = wanted.filter((what) => !met.has(what));
  assert.deepEqual(missing, [], 'what no system met');
});
