// A loaded model that generates: its shape, its tokenizer and template, and what the files beside it say.

import { EngineError } from '../../base/errors.ts';
import type { ModelSession } from '../session.ts';
import { type ChatTemplate, loadChatTemplate } from './chat-template.ts';
import { type DecoderShape, looksLikeDecoder, readDecoderShape } from './decoder-shape.ts';
import { vocabularyMax } from './first-tokens.ts';
import { hasTokenizer, loadTokenizer, readJson, type TextTokenizer } from './tokenizer.ts';

export interface DecoderModel {
  readonly session: ModelSession;
  readonly shape: DecoderShape;
  /** How many different tokens it knows; undefined where it does not say. */
  readonly vocabulary: number | undefined;
  /** Tokens of prompt and text together; undefined where the model does not say. */
  readonly tokensMax: number | undefined;
  /** Tokens that end a text. */
  readonly stopTokens: ReadonlySet<number>;
  readonly tokenizer: Optional<TextTokenizer>;
  readonly template: Optional<ChatTemplate>;
}

/** Something of a model that an optional package reads. */
export interface Optional<T> {
  /** undefined: the folder has none. */
  readonly part: T | undefined;
  /** Why it cannot be read here, where that is so. */
  readonly missing: EngineError | undefined;
}

export type OpenedDecoder =
  | { readonly ok: true; readonly model: DecoderModel }
  | { readonly ok: false; readonly problem: string };

/**
 * Finds out what there is to know; a model that is no decoder is no error.
 * @throws EngineError `model-refused` where the files of a decoder are bad
 */
export async function openDecoder(session: ModelSession, folder: string): Promise<OpenedDecoder> {
  if (!looksLikeDecoder(session.signature)) {
    const problem = 'it has no inputs "input_ids" and "past_key_values.N.key"';
    return { ok: false, problem };
  }
  const read = readDecoderShape(session.signature);
  if (!read.ok) return read;
  const config = readJson(folder, 'config.json');
  const generation = readJson(folder, 'generation_config.json');
  const stopTokens = new Set([...tokensOf(generation, 'eos_token_id'), ...tokensOf(config, 'eos_token_id')]);
  const tokensMax = countOf(config, 'max_position_embeddings');
  const vocabulary = read.shape.vocabulary ?? countOf(config, 'vocab_size');
  if (vocabulary !== undefined && vocabulary > vocabularyMax) {
    const found = `it knows ${vocabulary} tokens, wanted at most ${vocabularyMax}`;
    throw new EngineError('model-refused', found);
  }
  const tokenizer = await optional(async () =>
    hasTokenizer(folder) ? await loadTokenizer(folder) : undefined,
  );
  const template = await optional(() => loadChatTemplate(folder));
  return {
    ok: true,
    model: { session, shape: read.shape, vocabulary, tokensMax, stopTokens, tokenizer, template },
  };
}

async function optional<T>(load: () => Promise<T | undefined>): Promise<Optional<T>> {
  try {
    return { part: await load(), missing: undefined };
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'model-runtime-missing') throw error;
    return { part: undefined, missing: error };
  }
}

type Json = Readonly<Record<string, unknown>> | undefined;

function countOf(file: Json, key: string): number | undefined {
  const value = file?.[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new EngineError('model-refused', `its "${key}" is ${shown(value)}, wanted a whole number above 0`);
}

function tokensOf(file: Json, key: string): number[] {
  const value = file?.[key] ?? [];
  const list = Array.isArray(value) ? value : [value];
  if (list.every((token) => Number.isSafeInteger(token) && token >= 0)) return list;
  throw new EngineError('model-refused', `its "${key}" is ${shown(value)}, wanted token ids`);
}

/** A file may hold anything, of any size and depth. */
function shown(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'a list with others' : 'a table';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}
