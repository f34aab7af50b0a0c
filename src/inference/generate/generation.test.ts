import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeChatMessages } from '../../abi/chat-messages.ts';
import {
  decodeGenerationPiece,
  FinishReason,
  type GenerationPiece,
  PromptKind,
} from '../../abi/generation.ts';
import { decodeInferenceAnswer } from '../../abi/tensor-list.ts';
import { encodeUtf8 } from '../../base/encoding.ts';
import type { HostedModel } from '../hosted-model.ts';
import { ModelHost } from '../model-host.ts';
import { hashModelFolder } from '../repository.ts';
import type { ModelSession } from '../session.ts';
import { decoderFiles, type Files, qwenModel } from '../testing/sample-decoders.ts';
import { elementwise, folderOf, withoutPackage, withoutRuntime } from '../testing/sample-models.ts';
import { llama, opened, qwen, sampleKey, textRequest } from '../testing/sample-texts.ts';
import { openDecoder } from './decoder-model.ts';
import { Generation } from './generation.ts';
import { Generations } from './generations.ts';
import { widenHalves } from './half-floats.ts';
import { TextStream } from './text-stream.ts';
import { loadTokenizer } from './tokenizer.ts';

/** All pieces of a text. */
async function write(
  generations: Generations,
  session: ModelSession,
  request: Uint8Array,
  id = 1,
): Promise<GenerationPiece[]> {
  const pieces: GenerationPiece[] = [];
  const tokens: number[] = [];
  for (let part = 0; (pieces.at(-1)?.reason ?? FinishReason.none) === FinishReason.none; part++) {
    const { bytes } = await generations.next(session, id, { request, key: sampleKey, tokens, part });
    const piece = decodeGenerationPiece(bytes);
    assert.ok(piece !== undefined, JSON.stringify(decodeInferenceAnswer(bytes)));
    pieces.push(piece);
    tokens.push(...piece.tokens);
  }
  return pieces;
}

async function refusal(files: Files, request: Uint8Array): Promise<string> {
  const { session, folder } = await opened(files);
  const generations = new Generations();
  await generations.open(session, folder);
  const { bytes } = await generations.next(session, 1, { request, key: sampleKey, tokens: [], part: 0 });
  const answer = decodeInferenceAnswer(bytes);
  await session.release();
  assert.ok(answer !== undefined && answer.status !== 0);
  return `${answer.status} ${answer.text}`;
}

test('a decoder that is told whether it has a cache, and how many logits to give, is told so', {
  skip: withoutRuntime('portable'),
}, async () => {
  const texts: (readonly number[])[] = [];
  for (const withSettings of [false, true]) {
    const { session, folder } = await opened(
      decoderFiles(qwenModel('float32', undefined, withSettings), 'qwen2'),
    );
    const generations = new Generations();
    await generations.open(session, folder);
    const [piece] = await write(generations, session, textRequest({ tokensPerTick: 100, temperature: 0 }));
    texts.push(piece!.tokens);
    await session.release();
  }
  assert.equal(texts[0]!.length, 9);
  assert.deepEqual(texts[1], texts[0]);
});

test('a text is the same whether its cache was kept or made again, in both forms of decoders', {
  skip: withoutRuntime('portable'),
}, async () => {
  for (const files of [qwen, llama]) {
    const { session, folder } = await opened(files);
    const [kept, dropping] = [new Generations(), new Generations(0)];
    await kept.open(session, folder);
    await dropping.open(session, folder);
    const whole = await write(kept, session, textRequest());
    assert.equal(whole.length, 3);
    // Two texts by turns, with room for the cache of neither.
    const parts: GenerationPiece[] = [];
    const tokens: number[] = [];
    for (const { part } of whole) {
      await dropping.next(session, 2, {
        request: textRequest({ seed: 9n }),
        key: sampleKey,
        tokens: [],
        part: 0,
      });
      const { bytes } = await dropping.next(session, 1, {
        request: textRequest(),
        key: sampleKey,
        tokens,
        part,
      });
      parts.push(decodeGenerationPiece(bytes)!);
      tokens.push(...parts.at(-1)!.tokens);
    }
    assert.deepEqual(parts, whole);
    const inOne = await write(kept, session, textRequest({ tokensPerTick: 100 }), 3);
    assert.deepEqual(
      inOne[0]!.tokens,
      whole.flatMap(({ tokens }) => tokens),
    );
    assert.equal(inOne[0]!.text, whole.map(({ text }) => text).join(''));
    await session.release();
  }
});

test('a native decoder with a cache in half precision writes what a portable one does, but for rounding', {
  skip: withoutRuntime('native') || withoutRuntime('portable'),
}, async () => {
  const texts: GenerationPiece[][] = [];
  for (const mode of ['portable', 'native'] as const) {
    const { session, folder } = await opened(qwen, mode);
    const generations = new Generations();
    await generations.open(session, folder);
    texts.push(await write(generations, session, textRequest({ temperature: 0, tokensMax: 3 })));
    await session.release();
  }
  assert.deepEqual(texts[0]![0]!.tokens, texts[1]![0]!.tokens);
});

test('a text ends with a stop token of the model or of the request, and where the model holds no more', {
  skip: withoutRuntime('portable'),
}, async () => {
  const { session, folder } = await opened(qwen);
  const generations = new Generations();
  await generations.open(session, folder);
  const [first, second] = (await write(generations, session, textRequest()))[0]!.tokens as [number, number];
  const [stopped] = await write(generations, session, textRequest({ stopTokens: [second] }), 2);
  assert.deepEqual([stopped!.tokens, stopped!.reason], [[first, second], FinishReason.stop]);
  await session.release();
  const small = { ...JSON.parse(qwen['config.json'] as string), max_position_embeddings: 9 };
  const byModel = { ...qwen, 'generation_config.json': JSON.stringify({ eos_token_id: first }) };
  const other = await opened({ ...byModel, 'config.json': JSON.stringify(small) });
  await generations.open(other.session, other.folder);
  const [one] = await write(generations, other.session, textRequest(), 3);
  assert.deepEqual([one!.tokens, one!.reason], [[first], FinishReason.stop]);
  const [full] = await write(
    generations,
    other.session,
    textRequest({ seed: 12n, temperature: 100, topK: 0 }),
    4,
  );
  assert.deepEqual([full!.tokens.length, full!.reason], [2, FinishReason.length]);
  await other.session.release();
});

test('messages are answered as the text that the chat template makes of them', {
  skip: withoutRuntime('portable') || withoutPackage('@huggingface/jinja'),
}, async () => {
  const { session, folder } = await opened(qwen);
  const generations = new Generations();
  await generations.open(session, folder);
  const prompt = encodeChatMessages([
    { role: 'system', text: 'be brief' },
    { role: 'user', text: 'hello' },
  ]);
  const text =
    '<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n';
  const talked = await write(generations, session, textRequest({ promptKind: PromptKind.messages, prompt }));
  assert.deepEqual(talked, await write(generations, session, textRequest({ prompt: encodeUtf8(text) }), 2));
  await session.release();
  const asked = textRequest({ promptKind: PromptKind.messages, prompt });
  const { chat_template: _, ...settings } = JSON.parse(qwen['tokenizer_config.json'] as string);
  const plain = { ...qwen, 'tokenizer_config.json': JSON.stringify(settings) };
  assert.match(await refusal(plain, asked), /^2 .* has no chat template, wanted a text or token ids/);
  const strict = { ...plain, 'chat_template.jinja': "{{ raise_exception('user first') }}" };
  assert.match(
    await refusal(strict, asked),
    /^2 Cannot take the prompt: the chat template says "user first"/,
  );
});

test('what cannot be written is told to who asked', { skip: withoutRuntime('portable') }, async () => {
  const { 'tokenizer.json': _, ...mute } = qwen;
  const text = textRequest();
  assert.match(await refusal({ 'model.onnx': elementwise('Tanh') }, text), /^2 .* no inputs "input_ids"/);
  assert.match(await refusal(mute, text), /^2 .* has no "tokenizer.json", wanted token ids/);
  assert.match(await refusal(qwen, textRequest({ prompt: new Uint8Array() })), /^2 .* it has no tokens/);
  const long = encodeUtf8('x'.repeat(600));
  assert.match(
    await refusal(qwen, textRequest({ prompt: long })),
    /^2 .* 600 tokens, and the model holds 512/,
  );
});

test('a decoder with bad files beside it is refused when it is loaded', {
  skip: withoutRuntime('portable'),
}, async () => {
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['tokenizer.json', '{', /its "tokenizer.json" is no JSON/],
    ['tokenizer.json', '{}', /its "tokenizer.json" cannot be used/],
    ['config.json', '[]', /its "config.json" is no JSON object/],
    ['config.json', '{"max_position_embeddings":"many"}', /"max_position_embeddings" is "many", wanted/],
    ['chat_template.jinja', '{% if %}', /its chat template cannot be read/],
    ['generation_config.json', '{"eos_token_id":-1}', /"eos_token_id" is -1, wanted token ids/],
    [
      'generation_config.json',
      `{"eos_token_id":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      /"eos_token_id" is a list with others, wanted token ids$/,
    ],
    ['generation_config.json', `{"eos_token_id":"${'y'.repeat(1e6)}"}`, /is "y{59}…, wanted token ids$/],
  ];
  const host = new ModelHost({ modelBytesMax: 2 ** 30 });
  for (const [name, content, message] of bad) {
    const folder = folderOf({ ...qwen, [name]: content });
    const { sha256 } = hashModelFolder(folder);
    const model: HostedModel = {
      ...{ id: 'm', version: '1', mode: 'portable', outputBytesMax: 65_536, batchMax: 8 },
      ...{ folder, sha256 },
    };
    await assert.rejects(host.load(model), message);
  }
  await host.close();
});

test('a prompt that the tokenizer comes to no end with has no answer, and is no loss of the process', {
  skip: withoutRuntime('portable') || withoutPackage('@huggingface/tokenizers'),
}, async () => {
  const split = {
    type: 'Split',
    pattern: { Regex: 'h*h*h*h*h*h*h*h*Q' },
    behavior: 'Isolated',
    invert: false,
  };
  const tokenizer = { ...JSON.parse(qwen['tokenizer.json'] as string), pre_tokenizer: split };
  const { session, folder } = await opened({ ...qwen, 'tokenizer.json': JSON.stringify(tokenizer) });
  const decoder = await openDecoder(session, folder);
  assert.ok(decoder.ok);
  const hasty = { part: await loadTokenizer(folder, 300), missing: undefined };
  const model = { ...decoder.model, tokenizer: hasty };
  const ask = (prompt: string): Promise<unknown> => {
    const request = textRequest({ prompt: encodeUtf8(prompt) });
    return Generation.resume({ ok: true, model }, { request, key: sampleKey, tokens: [], part: 0 });
  };
  await assert.rejects(ask('h'.repeat(500)), {
    code: 'host-fault',
    message: 'reading a text by "tokenizer.json" took longer than 300 ms',
  });
  assert.ok((await ask('hello')) instanceof Generation);
  await session.release();
});

test('half-precision numbers are widened exactly', () => {
  const halves = Uint16Array.of(0, 0x8000, 1, 0x03ff, 0x0400, 0x3c00, 0xbc01, 0x7bff, 0x7c00, 0xfc00);
  const wanted = [0, -0, 2 ** -24, 1023 / 2 ** 24, 2 ** -14, 1, -1 - 1 / 1024, 65504, Infinity, -Infinity];
  assert.deepEqual([...widenHalves(halves)], wanted);
  assert.ok(Number.isNaN(widenHalves(Uint16Array.of(0x7e00))[0]));
});

test('the pieces of a text together are the text, and no character comes in two', () => {
  const decoder = new TextDecoder();
  const decode = (tokens: readonly number[]): string => decoder.decode(Uint8Array.from(tokens));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (whole) => {
      const bytes = encodeUtf8(whole.replaceAll('\ufeff', '').replaceAll('\ufffd', ''));
      const stream = new TextStream(decode);
      const told = [...bytes].map((byte) => stream.push(byte));
      assert.ok(told.every((text) => !text.includes('\ufffd')));
      assert.equal(told.join('') + stream.end(), decode([...bytes]));
    }),
  );
  // Anything at all: what never becomes a character is told as it would be at the end.
  const broken = fc.array(fc.constantFrom(0x61, 0x80, 0xbf, 0xc3, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0xff), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(broken, (bytes) => {
      const stream = new TextStream(decode);
      const told = bytes.map((byte) => stream.push(byte)).join('');
      assert.equal(told + stream.end(), decode(bytes));
    }),
    { numRuns: 300 },
  );
  const cut = new TextStream(decode);
  assert.equal(cut.push(0xe2) + cut.push(0x82), '');
  assert.equal(cut.end(), '\ufffd');
});

test('text that is never a whole character is told as it comes, and decoding it costs so much a token', () => {
  const decoder = new TextDecoder();
  for (const pattern of [[0x80], [0x61, 0xf0], [0xf0, 0x9f], [0xff, 0xe2]]) {
    let decoded = 0;
    const stream = new TextStream((tokens) => {
      decoded += tokens.length;
      return decoder.decode(Uint8Array.from(tokens));
    });
    let text = '';
    const tokens = Array.from({ length: 4000 }, (_, i) => pattern[i % pattern.length]!);
    for (const [i, token] of tokens.entries()) {
      text += stream.push(token);
      const all = decoder.decode(Uint8Array.from(tokens.slice(0, i + 1)));
      assert.ok(all.length - text.length <= 30, `${all.length - text.length} are held back`);
    }
    assert.equal(text + stream.end(), decoder.decode(Uint8Array.from(tokens)));
    assert.ok(decoded < 80 * tokens.length, `decoded ${decoded}`);
  }
});
