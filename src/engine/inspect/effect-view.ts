// Effects as agents asked for them, taken apart: receiver, topic and payload by name. For people; decides nothing.

import { EffectKind } from '../../abi/record.ts';
import { decodeUtf8 } from '../../base/encoding.ts';
import { agentOf, type SchedulerState } from '../../scheduler/index.ts';
import { refusalText } from '../record/fault-text.ts';

/** One effect: its kind, what it says besides, and its payload where it has one. */
export interface EffectView {
  readonly kind: string;
  /** In the order of the effect's words; names where they are known. */
  readonly fields: Readonly<Record<string, string | number>>;
  readonly payload: Uint8Array | undefined;
}

const kindNames = new Map<number, string>(
  Object.entries(EffectKind).map(([name, kind]) => [
    kind,
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  ]),
);

/** Names of the levels of log texts. */
export const logLevels: readonly string[] = ['debug', 'info', 'warning', 'error'];

/** @param words the effect with its head word, as `abi/record.ts` has it */
export function viewEffect(words: Uint32Array, state: SchedulerState): EffectView {
  const kind = (words[0]! & 0xff) as EffectKind;
  const word = (index: number): number => words[index] ?? 0;
  const bytes = (at: number, length: number): Uint8Array =>
    new Uint8Array(words.buffer, words.byteOffset + at * 4, (words.length - at) * 4).slice(0, length);
  const view = (fields: EffectView['fields'], payload?: Uint8Array): EffectView => ({
    kind: kindNames.get(kind) ?? `effect ${kind}`,
    fields,
    payload,
  });
  switch (kind) {
    case EffectKind.send:
      return view({ to: agentName(state, word(1), word(2)) }, bytes(4, word(3)));
    case EffectKind.publish:
      return view({ topic: topicName(state, word(1)) }, bytes(3, word(2)));
    case EffectKind.publishChannel: {
      const name = bytes(3, word(1));
      return view({ channel: textOf(name) }, bytes(3 + ((word(1) + 3) >>> 2), word(2)));
    }
    case EffectKind.subscribe:
    case EffectKind.unsubscribe:
      return view({ topic: topicName(state, word(1)) });
    case EffectKind.join:
    case EffectKind.leave:
      return view({ channel: textOf(bytes(2, word(1))) });
    case EffectKind.setTimer:
      return view({ timer: word(1), delayTicks: word(2), tag: word(3) | 0 });
    case EffectKind.cancelTimer:
      return view({ timer: word(1) });
    case EffectKind.log:
      return view({ level: logLevels[word(1)] ?? word(1) }, bytes(3, word(2)));
    case EffectKind.output:
      return view({}, bytes(2, word(1)));
    case EffectKind.spawn: {
      const declaration = state.config.declarations[word(2)]?.name ?? `declaration ${word(2)}`;
      return view({ child: word(1), declaration }, bytes(4, word(3)));
    }
    case EffectKind.infer:
    case EffectKind.generate: {
      const model = state.requests.models[word(2)]?.declaration.name ?? `model ${word(2)}`;
      return view({ request: word(1), model, tag: word(3) | 0 }, bytes(5, word(4)));
    }
    case EffectKind.terminate:
      return view({ agent: agentName(state, word(1), word(2)) });
    case EffectKind.refusal: {
      const { name, reason } = refusalText(word(1), word(2) | 0);
      return view({ function: name, reason, count: word(3) });
    }
    default:
      return view(Object.fromEntries([...words.subarray(1)].map((value, i) => [`word ${i + 1}`, value])));
  }
}

function topicName(state: SchedulerState, index: number): string {
  return state.topics[index]?.name ?? `topic ${index}`;
}

/** The name of an agent that exists, else its identity. */
export function agentName(state: SchedulerState, origin: number, counter: number): string {
  return agentOf(state, origin, counter)?.name ?? `${origin}.${counter}`;
}

/** One line: `send  to "trader/3"  payload {"price":1}`. */
export function effectText({ kind, fields, payload }: EffectView): string {
  const parts = Object.entries(fields).map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  if (payload !== undefined) parts.push(`payload ${payloadText(payload)}`);
  return [kind, ...parts].join('  ');
}

// Bytes with these are shown in hexadecimal: nobody reads them as text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Text as it is where the bytes are JSON on one line, quoted where they are other text, else hexadecimal. */
export function payloadText(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text === undefined || control.test(text)) return `0x${Buffer.from(bytes).toString('hex')}`;
  return /^[[{"]/.test(text) && !/[\r\n]/.test(text) ? text : JSON.stringify(text);
}

function textOf(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? `0x${Buffer.from(bytes).toString('hex')}`;
}
