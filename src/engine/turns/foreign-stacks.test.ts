// A program may have made something of its own of stack traces: that decides nothing, and ends nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agent } from '../testing/agents.ts';
import { create } from '../testing/create-run.ts';

const trapping = { module: agent({ receive: 'unreachable' }) };

async function digestOfTrap(): Promise<string> {
  const run = await create({ agents: { trapping } });
  run.send('trapping', { payload: 1 });
  const { faults, digest } = await run.run();
  assert.equal(faults, 1);
  return digest;
}

test('an agent that traps gives the same digest whatever the program makes of stack traces', async () => {
  const wanted = await digestOfTrap();
  const { prepareStackTrace, stackTraceLimit } = Error;
  const ways: (typeof Error.prepareStackTrace)[] = [
    (_, frames) => frames,
    () => undefined,
    () => {
      throw new Error('no stacks here');
    },
  ];
  try {
    for (const way of ways) {
      Error.prepareStackTrace = way;
      assert.equal(await digestOfTrap(), wanted);
    }
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = 0;
    assert.equal(await digestOfTrap(), wanted);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
});
