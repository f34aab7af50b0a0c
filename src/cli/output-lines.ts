// Outputs of agents as JSON Lines. What an agent gave is shown whole; what is not JSON is marked.

import { decodeUtf8 } from '../base/encoding.ts';
import type { OutputRecord } from '../engine/index.ts';
import { printableJson } from './printable.ts';

/** Bytes as JSON on one line: JSON as it is, else text, else base64; the latter two are marked by `encoding`. */
export function payloadView(payload: Uint8Array): { json: string; encoding?: 'text' | 'base64' } {
  const text = decodeUtf8(payload);
  if (text === undefined) {
    return { json: `{"$base64":"${Buffer.from(payload).toString('base64')}"}`, encoding: 'base64' };
  }
  if (isJson(text)) return { json: printableJson(oneLine(text)) };
  return { json: printableJson(JSON.stringify(text)), encoding: 'text' };
}

/** The fields that show bytes, for an object in JSON. */
export function payloadFields(payload: Uint8Array): string {
  const { json, encoding } = payloadView(payload);
  return `"payload":${json}${encoding === undefined ? '' : `,"encoding":"${encoding}"`}`;
}

/** One line of output, without the line end. */
export function outputLine({ epoch, tick, index, agent, payload }: OutputRecord): string {
  const name = printableJson(JSON.stringify(agent));
  return `{"epoch":${epoch},"tick":${tick},"index":${index},"agent":${name},${payloadFields(payload)}}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Line ends of JSON stand between its parts only, since strings hold them as escapes; numbers stay as they were
 * written.
 */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ').trim();
}
