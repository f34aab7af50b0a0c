// Text to tokens and back, by the tokenizer in a model's folder. The package that reads it is optional: it is loaded
// here, and only where a text is to be read.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError } from '../../base/errors.ts';
import { firstLine, importPackage } from '../optional-package.ts';
import { within } from './bounded-time.ts';
import { mayExplode } from './pattern-ambiguity.ts';

const packageName = '@huggingface/tokenizers';
/** Only what is tested with. */
const packageVersion = '0.2.0';
const tokenizerFile = 'tokenizer.json';
/** For reading a text of any length that a request can have. */
const encodeMsMax = 120_000;
/** Lists of more are of words, and not of patterns. */
const listedMax = 1000;
/** Characters of a pattern in a message. */
const shownMax = 80;
export const settingsFile = 'tokenizer_config.json';

/** The part of the package's interface that is used. */
interface TokenizerPackage {
  readonly Tokenizer: new (tokenizer: object, settings: object) => TokenizerInside;
}

interface TokenizerInside {
  encode(
    text: string,
    options: { readonly add_special_tokens: boolean },
  ): { readonly ids: readonly number[] };
  decode(
    ids: number[],
    options: { readonly skip_special_tokens: boolean; readonly clean_up_tokenization_spaces: boolean },
  ): string;
}

export class TextTokenizer {
  readonly #inside: TokenizerInside;
  readonly #encodeMsMax: number;

  constructor(inside: TokenizerInside, timeoutMs: number) {
    this.#inside = inside;
    this.#encodeMsMax = timeoutMs;
  }

  /**
   * With the tokens that the tokenizer itself puts around a text, where it is not `bare`.
   * @throws TookTooLong where its patterns do not come to an end
   */
  encode(text: string, bare: boolean = false): readonly number[] {
    const encode = (): readonly number[] => this.#inside.encode(text, { add_special_tokens: !bare }).ids;
    return [...within(this.#encodeMsMax, 'reading a text by "tokenizer.json"', encode)].map(Number);
  }

  /** Without special tokens. */
  decode(tokens: readonly number[]): string {
    if (tokens.length === 0) return '';
    return this.#inside.decode([...tokens], {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: false,
    });
  }
}

export function hasTokenizer(folder: string): boolean {
  return existsSync(join(folder, tokenizerFile));
}

/**
 * The tokenizer of a folder that has one.
 * @param timeoutMs how long reading a text may take
 * @throws EngineError `model-refused` where its files are bad; `model-runtime-missing` where the package is not there
 */
export async function loadTokenizer(folder: string, timeoutMs: number = encodeMsMax): Promise<TextTokenizer> {
  const tokenizer = readJson(folder, tokenizerFile);
  const settings = readJson(folder, settingsFile);
  if (tokenizer === undefined) throw new EngineError('model-refused', `it has no "${tokenizerFile}"`);
  const refused = 'Cannot read the text of a model';
  const loaded: TokenizerPackage = await importPackage(packageName, packageVersion, refused);
  try {
    const inside = new loaded.Tokenizer(tokenizer, settings ?? {});
    refuseExplosive(inside);
    const text = new TextTokenizer(inside, timeoutMs);
    text.decode(text.encode('a'));
    return text;
  } catch (error) {
    throw new EngineError(
      'model-refused',
      `its "${tokenizerFile}" cannot be used: ${firstLine(error)}`,
      {},
      error,
    );
  }
}

/** A pattern that tries for ever is better not begun with. */
function refuseExplosive(inside: object): void {
  for (const pattern of patternsIn(inside)) {
    if (!mayExplode(pattern)) continue;
    const { source } = pattern;
    const shown = source.length > shownMax ? `${source.slice(0, shownMax)}…` : source;
    const wanted = 'wanted repetitions of what matches a text in one way';
    throw new Error(`its pattern ${JSON.stringify(shown)} may try a text in endlessly many ways, ${wanted}`);
  }
}

/** All patterns that the package made of the file, wherever it keeps them. */
function patternsIn(inside: object): readonly RegExp[] {
  const found = new Set<object>([inside]);
  for (const value of found) {
    if (value instanceof RegExp || ArrayBuffer.isView(value)) continue;
    if (Array.isArray(value) && value.length > listedMax) continue;
    for (const part of Array.isArray(value) ? value : Object.values(value))
      if ((typeof part === 'object' && part !== null) || typeof part === 'function') found.add(part);
  }
  return [...found].filter((value) => value instanceof RegExp);
}

/**
 * An object from a JSON file of a model's folder; undefined where there is no such file.
 * @throws EngineError `model-refused`
 */
export function readJson(folder: string, name: string): Readonly<Record<string, unknown>> | undefined {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new EngineError('model-refused', `its "${name}" is no JSON: ${firstLine(error)}`, {}, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new EngineError('model-refused', `its "${name}" is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}
