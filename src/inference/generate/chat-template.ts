// Messages of a conversation to the text that a model was trained on, by the template in its folder. A template is a
// program: it gets no clock and no locale, and whatever it does ends in a text or in a refusal.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ChatMessage } from '../../abi/chat-messages.ts';
import { InferenceStatus } from '../../abi/tensor-list.ts';
import { EngineError } from '../../base/errors.ts';
import { firstLine, importPackage } from '../optional-package.ts';
import { readModelFile } from '../repository.ts';
import { Refused } from './refused.ts';
import { boundedInterpreter, type InterpreterClass, TemplateBeyondBounds } from './template-bounds.ts';
import { readJson, settingsFile } from './tokenizer.ts';

const packageName = '@huggingface/jinja';
/** Only what is tested with. */
const packageVersion = '0.5.11';
const templateFile = 'chat_template.jinja';
/** Characters of what a template says against messages. */
const wordsMax = 500;
/** Characters of a template. */
const sourceLengthMax = 1_048_576;
/** Numbers that one `range` may give. */
const rangeMax = 100_000;

/** The part of the package's interface that is used. */
interface TemplatePackage {
  readonly Template: new (source: string) => { readonly parsed: object };
  readonly Environment: new () => { set(name: string, value: unknown): void };
  readonly Interpreter: InterpreterClass;
}

export class ChatTemplate {
  readonly #package: TemplatePackage;
  readonly #interpreter: InterpreterClass;
  readonly #source: string;
  readonly #parsed: object;
  readonly #specialTokens: Readonly<Record<string, string>>;

  constructor(loaded: TemplatePackage, source: string, specialTokens: Readonly<Record<string, string>>) {
    this.#package = loaded;
    this.#interpreter = boundedInterpreter(loaded.Interpreter);
    this.#source = source;
    this.#parsed = new loaded.Template(source).parsed;
    this.#specialTokens = specialTokens;
  }

  /** The text after which the model's own turn begins. @throws Refused */
  render(messages: readonly ChatMessage[]): string {
    const environment = new this.#package.Environment();
    const given = {
      ...globals,
      ...this.#specialTokens,
      messages: messages.map(({ role, text }) => ({ role, content: text })),
      add_generation_prompt: true,
      tools: null,
      documents: null,
    };
    for (const [name, value] of Object.entries(given)) environment.set(name, value);
    try {
      const { value } = withoutLocale(() => new this.#interpreter(environment).run(this.#parsed));
      if (typeof value === 'string') return value;
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (error instanceof TemplateBeyondBounds) throw refusal(`of the chat template, ${error.message}`);
      const clock = this.#source.includes('strftime_now') ? '; it asks for the date, and there is none' : '';
      throw refusal(`the chat template fails on it${clock}`, firstLine(error));
    }
    throw refusal('the chat template gives no text');
  }
}

/** Words that are the same everywhere, and what the package said, for people. */
function refusal(why: string, problem?: string): Refused {
  return new Refused(InferenceStatus.wrongInputs, `Cannot take the prompt: ${why}`, problem);
}

/** What every template may use. A clock is not there: where it is looked for first, templates do without. */
const globals: Readonly<Record<string, unknown>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
  range: (start: number, stop?: number, step: number = 1): number[] => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const count = Math.max(0, Math.ceil((to - from) / step));
    if (!(count <= rangeMax)) throw new Error(`range() of ${count} numbers, wanted at most ${rangeMax}`);
    return Array.from({ length: count }, (_, i) => from + i * step);
  },
  raise_exception: (message: unknown): never => {
    throw refusal(
      `the chat template says ${JSON.stringify(String(message).slice(0, wordsMax).toWellFormed())}`,
    );
  },
};

/** Where the package orders names, it does so by locale, and that is the host's. */
function withoutLocale<T>(work: () => T): T {
  const name = 'localeCompare';
  const found = Object.getOwnPropertyDescriptor(String.prototype, name)!;
  const compare = function (this: string, other: string): number {
    return this < other ? -1 : this > other ? 1 : 0;
  };
  Object.defineProperty(String.prototype, name, { ...found, value: compare });
  try {
    return work();
  } finally {
    Object.defineProperty(String.prototype, name, found);
  }
}

/**
 * The template of a folder; undefined where it has none.
 * @throws EngineError `model-refused` where it cannot be read; `model-runtime-missing` where the package is not there
 */
export async function loadChatTemplate(folder: string): Promise<ChatTemplate | undefined> {
  const settings = readJson(folder, settingsFile);
  const source = templateSource(folder, settings?.['chat_template']);
  if (source === undefined) return undefined;
  if (source.length > sourceLengthMax) {
    const wanted = `wanted at most ${sourceLengthMax}`;
    throw new EngineError('model-refused', `its chat template has ${source.length} characters, ${wanted}`);
  }
  const refused = 'Cannot make a text of messages';
  const loaded: TemplatePackage = await importPackage(packageName, packageVersion, refused);
  let template: ChatTemplate;
  try {
    template = new ChatTemplate(loaded, source, specialTokens(settings ?? {}));
  } catch (error) {
    throw new EngineError(
      'model-refused',
      `its chat template cannot be read: ${firstLine(error)}`,
      {},
      error,
    );
  }
  // What it says of one message is nothing yet; one that never ends well is found here.
  try {
    template.render([{ role: 'user', text: 'a' }]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return template;
}

/** A file of its own, one text, or several with names, of which one is for all that has no other. */
function templateSource(folder: string, setting: unknown): string | undefined {
  const path = join(folder, templateFile);
  // No character has more bytes.
  if (existsSync(path)) return readModelFile(folder, templateFile, sourceLengthMax * 3).toString('utf8');
  const named = Array.isArray(setting) ? setting.find((each) => each?.name === 'default')?.template : setting;
  if (named === undefined || named === null || typeof named === 'string') return named ?? undefined;
  throw new EngineError('model-refused', `its "chat_template" is no text, in "${settingsFile}"`);
}

/** `bos_token` and its like, as texts. */
function specialTokens(settings: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!name.endsWith('_token')) continue;
    const content = typeof value === 'object' ? (value as { content?: unknown } | null)?.content : value;
    if (typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}
