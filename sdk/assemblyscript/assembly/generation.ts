// Texts that models write, piece by piece. Requests and pieces have the form of the agent ABI.

import { keep } from "./codes";
import { encodeName, nameLength } from "./encoding";
import * as host from "./host";
import { AnswerStatus, ModelMessage } from "./inference";

/** How a text is to be written. */
export class TextOptions {
  /** Tokens at most. */
  tokensMax: i32 = 256;
  /** Tokens of each piece; a tick gives one piece. */
  tokensPerTick: i32 = 16;
  /** 0: always the likeliest token. */
  temperature: f32 = 1;
  /** So many of the likeliest tokens are chosen from; 0: all. */
  topK: i32 = 0;
  /** Of those, the likeliest that have this share together. */
  topP: f32 = 1;
  seed: u64 = 0;
  /** Tokens that end the text, beside those of the model. */
  stopTokens: i32[] = [];
}

/** Why a text ended. */
export enum FinishReason {
  /** It did not: another piece comes in the next tick. */
  None = 0,
  /** By a token that ends it. */
  Stop = 1,
  /** By its length, or because the model holds no more. */
  Length = 2,
}

const requestHead: i32 = 40;
const messageHead: i32 = 8;
const pieceHead: i32 = 24;
const hashBytes: i32 = 16;

@lazy let request: ArrayBuffer = new ArrayBuffer(0);

/**
 * Asks a model of the system file for a text; `onText` gets its pieces. Answers the number of the request, or a
 * negative `HostCode`. `tag` comes back with each piece.
 */
export function generate(
  model: string,
  prompt: string,
  options: TextOptions = new TextOptions(),
  tag: i32 = 0,
): i32 {
  writeText(begin(1, String.UTF8.byteLength(prompt), options), prompt);
  return ask(model, options, tag);
}

/** The same with token ids as the prompt. */
export function generateFromTokens(
  model: string,
  prompt: i32[],
  options: TextOptions = new TextOptions(),
  tag: i32 = 0,
): i32 {
  const promptAt = begin(2, prompt.length * 4, options);
  memory.copy(promptAt, prompt.dataStart, <usize>prompt.length * 4);
  return ask(model, options, tag);
}

/** One message of a conversation. */
export class ChatMessage {
  /** @param role who says it, in the words of the model's chat template: `system`, `user`, `assistant` */
  constructor(
    readonly role: string,
    readonly text: string,
  ) {}
}

/** The same with messages, which the chat template of the model makes a text of: what is asked for is the next one. */
export function generateFromMessages(
  model: string,
  messages: ChatMessage[],
  options: TextOptions = new TextOptions(),
  tag: i32 = 0,
): i32 {
  let size = 0;
  for (let i = 0; i < messages.length; i++)
    size += messageHead + String.UTF8.byteLength(messages[i].role) + String.UTF8.byteLength(messages[i].text);
  let at = begin(3, size, options);
  for (let i = 0; i < messages.length; i++) {
    const roleLength = writeText(at + messageHead, messages[i].role);
    const textLength = writeText(at + messageHead + roleLength, messages[i].text);
    store<i32>(at, roleLength, 0);
    store<i32>(at, textLength, 4);
    at += messageHead + roleLength + textLength;
  }
  return ask(model, options, tag);
}

/** Answers how many bytes it has. */
function writeText(at: usize, text: string): i32 {
  const replace = String.UTF8.ErrorMode.REPLACE;
  return <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, false, replace);
}

/** Writes all but the prompt; answers where that goes. */
function begin(kind: i32, promptBytes: i32, options: TextOptions): usize {
  const stops = options.stopTokens;
  const promptOffset = requestHead + stops.length * 4;
  if (request.byteLength < promptOffset + promptBytes) request = new ArrayBuffer(promptOffset + promptBytes);
  const start = changetype<usize>(request);
  store<i32>(start, kind, 0);
  store<i32>(start, promptBytes, 4);
  store<i32>(start, options.tokensMax, 8);
  store<i32>(start, options.tokensPerTick, 12);
  store<f32>(start, options.temperature, 16);
  store<i32>(start, options.topK, 20);
  store<f32>(start, options.topP, 24);
  store<i32>(start, stops.length, 28);
  store<u64>(start, options.seed, 32);
  memory.copy(start + requestHead, stops.dataStart, <usize>stops.length * 4);
  return start + promptOffset;
}

function ask(model: string, options: TextOptions, tag: i32): i32 {
  const start = changetype<usize>(request);
  const size = requestHead + options.stopTokens.length * 4 + load<i32>(start, 4);
  const name = encodeName(model);
  return keep(host.generate(name, nameLength, start, size, tag));
}

/** A piece of a text, or why there is no more of it. */
export class TextPiece extends ModelMessage {
  /** Whether no other piece comes. */
  get last(): bool {
    return this.status != AnswerStatus.Ok || this.reason != FinishReason.None;
  }

  get reason(): FinishReason {
    return this.status == AnswerStatus.Ok ? load<i32>(changetype<usize>(this.payload), 8) : FinishReason.None;
  }

  /** Pieces of a text are counted from 0. */
  get part(): i32 {
    return this.status == AnswerStatus.Ok ? load<i32>(changetype<usize>(this.payload), 4) : 0;
  }

  /** What the tokens say; where the status is not `Ok`, why there is nothing. */
  get text(): string {
    if (this.status != AnswerStatus.Ok) return this.problem();
    const start = changetype<usize>(this.payload);
    const textOffset = pieceHead + load<i32>(start, 16) * (4 + hashBytes);
    return String.UTF8.decodeUnsafe(start + textOffset, load<i32>(start, 20));
  }

  /** The tokens, one that ends the text among them. */
  tokens(): i32[] {
    const tokens: i32[] = [];
    if (this.status != AnswerStatus.Ok) return tokens;
    const start = changetype<usize>(this.payload);
    const count = load<i32>(start, 16);
    for (let i = 0; i < count; i++) tokens.push(load<i32>(start + pieceHead + i * 4));
    return tokens;
  }
}
