// A redacted export of a run with models: what agents were told to ask, and what models made of it, is not in it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { encodeChatMessages } from '../../abi/chat-messages.ts';
import { encodeGenerationRequest, PromptKind } from '../../abi/generation.ts';
import { encodeUtf8 } from '../../base/encoding.ts';
import { decoderFiles, qwenModel } from '../../inference/testing/sample-decoders.ts';
import { withoutPackage, withoutRuntime } from '../../inference/testing/sample-models.ts';
import { openRunDirectory, readEvents } from '../../log/index.ts';
import { createSystem } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { placeModel, writingAgent } from '../testing/models.ts';
import { KeptOutputs, newFolder } from '../testing/runs.ts';
import { exportRun } from './export-run.ts';

/** Refuses conversations whose last message is too angry, and quotes it. */
const template = `{% for m in messages %}{{ m.content }}{% endfor %}{% if 'angry' in messages[-1].content %}
{{ raise_exception('not to be said: ' ~ messages[-1].content) }}{% endif %}`;
const secrets = ['hello secretive world', 'angry secret of one', 'a system secret'];

function prompts(): Uint8Array[] {
  const rest = { tokensMax: 6, tokensPerTick: 2, temperature: 1, topK: 0, topP: 1, seed: 0n, stopTokens: [] };
  const messages = [
    { role: 'system', text: secrets[2]! },
    { role: 'user', text: secrets[1]! },
  ];
  return [
    encodeGenerationRequest({ ...rest, promptKind: PromptKind.text, prompt: encodeUtf8(secrets[0]!) }),
    encodeGenerationRequest({
      ...rest,
      promptKind: PromptKind.messages,
      prompt: encodeChatMessages(messages),
    }),
  ];
}

async function recordedRun(): Promise<{ readonly folder: string; readonly outputs: KeptOutputs }> {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const files = { ...decoderFiles(qwenModel(), 'qwen2'), 'chat_template.jinja': template };
  const system = await createSystem({
    host: { durability: 'none', snapshotTicks: 2, trace: 'full' },
    agents: {
      writer: {
        module: writingAgent(),
        capabilities: ['generate', 'output'],
        subscriptions: ['prompts'],
        limits: { messageBytesMax: 1_048_576 },
      },
    },
    topics: { prompts: {} },
    models: { writer: placeModel([files]) },
  });
  const run = await Orchestrator.create({ system, runDirectory: folder, outputs }, keptPorts);
  for (const payload of prompts()) {
    run.publish('prompts', { payload });
    await run.settle();
  }
  await run.stop();
  return { folder, outputs };
}

/** Which of the texts, in one or two bytes a character, lie in a file or in any message of its log. */
function found(file: string, texts: readonly (string | Uint8Array)[]): number[] {
  const events = [...readEvents(openRunDirectory(file))].map(({ payload }) => Buffer.from(payload));
  const all = Buffer.concat([readFileSync(file), ...events]);
  return texts.flatMap((text, i) => (all.includes(Buffer.from(text as string)) ? [i] : []));
}

test('prompts, texts of models and words that quote them are in no redacted export, and it counts what was left out', {
  skip: withoutRuntime('portable') ?? withoutPackage('@huggingface/jinja'),
}, async () => {
  const { folder, outputs } = await recordedRun();
  const made = outputs.list.map(({ payload }) => payload.slice());
  assert.equal(made.length, 4, 'three pieces, and a refusal');
  const texts = [...secrets, ...made, `"not to be said: ${secrets[1]}"`, 'not to be said'];
  const whole = `${folder}.tar`;
  exportRun(folder, whole, { snapshots: false });
  assert.deepEqual(found(whole, secrets), [0, 1, 2], 'the search finds what is there');
  assert.deepEqual(found(whole, [texts.at(-1)!]), [0]);
  const redacted = `${folder}-redacted.tar`;
  const { redacted: facts } = exportRun(folder, redacted, { redact: ['prompts'] });
  assert.deepEqual(found(redacted, texts), []);
  assert.deepEqual([facts!.payloads, facts!.outputs, facts!.modelWords], [2, 4, 1]);
  assert.match(
    readFileSync(redacted, 'utf8'),
    /4 outputs, 0 log texts, 4 answers of models and 1 texts of why one failed/,
  );
  const hash = /Of each of these answers the SHA-256 is there, too/;
  assert.match(readFileSync(redacted, 'utf8'), hash);
  const kept = `${folder}-kept.tar`;
  exportRun(folder, kept, { redact: ['prompts'], keepDerived: true });
  assert.deepEqual(found(kept, [texts.at(-1)!]), [0]);
  assert.doesNotMatch(readFileSync(kept, 'utf8'), hash);
});
