// A process of its own with a small heap: streams generated lines through a run, replays the record, and says what its
// memory came to as one line of JSON. Started by memory.test.ts with (lines, run directory).

import { Readable } from 'node:stream';
import { createSystem, Orchestrator, replayRun } from '../../src/engine/index.ts';
import { LineStream } from '../../src/engine/input/line-stream.ts';
import { echoAgent } from '../../src/engine/testing/agents.ts';

const lineCount = Number(process.argv[2]);
const runDirectory = process.argv[3]!;

function* chunks(): Generator<Buffer> {
  for (let i = 0; i < lineCount; i += 100) {
    const lines = Array.from({ length: 100 }, (_, k) =>
      JSON.stringify({ agent: `echo/${k % 10}`, payload: { number: i + k, text: 'x'.repeat(150) } }),
    );
    yield Buffer.from(`${lines.join('\n')}\n`);
  }
}

let peakBytes = 0;
function measure(): void {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  peakBytes = Math.max(peakBytes, heapUsed + arrayBuffers);
}

const system = await createSystem({
  host: { durability: 'none' },
  agents: { echo: { module: echoAgent(), count: 10, capabilities: ['output'] } },
});
let outputs = 0;
const orchestrator = await Orchestrator.create({
  system,
  runDirectory,
  outputs: { write: () => void outputs++ },
});
const source = new LineStream(Readable.from(chunks(), { objectMode: false }), 'standard input');
let ticks = 0;
const onTick = (): void => {
  if (++ticks % 16 === 0) measure();
};
const summary = await orchestrator.run({ source, onTick });
const runBytes = peakBytes;
peakBytes = 0;
const replayed = await replayRun(runDirectory, { onTick });
console.log(
  JSON.stringify({
    outputs,
    messages: summary.messages,
    same: replayed.digest === summary.digest,
    runBytes,
    replayBytes: peakBytes,
  }),
);
