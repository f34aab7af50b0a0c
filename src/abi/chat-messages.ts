// The messages of a conversation as the prompt of a text: a flat, little-endian form, described in
// `docs/formats/abi.md`. Whatever the bytes are, reading them ends in messages or in a text that says what is wrong.

import { concatBytes, decodeUtf8, encodeUtf8 } from '../base/encoding.ts';

export interface ChatMessage {
  /** Who says it, in the words of the model's template: `system`, `user`, `assistant`. */
  readonly role: string;
  readonly text: string;
}

/** A template's work grows with them. */
export const chatMessagesMax = 1024;

const headBytes = 8;

export function encodeChatMessages(messages: readonly ChatMessage[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    messages.flatMap(({ role, text }) => {
      const [roleBytes, textBytes] = [encodeUtf8(role), encodeUtf8(text)];
      const head = new DataView(new ArrayBuffer(headBytes));
      head.setUint32(0, roleBytes.length, true);
      head.setUint32(4, textBytes.length, true);
      return [new Uint8Array(head.buffer), roleBytes, textBytes];
    }),
  );
}

export type ReadChatMessages =
  | { readonly ok: true; readonly messages: readonly ChatMessage[] }
  | { readonly ok: false; readonly problem: string };

export function decodeChatMessages(bytes: Uint8Array): ReadChatMessages {
  const fail = (problem: string): ReadChatMessages => ({ ok: false, problem });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: ChatMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const place = `message ${messages.length} of its prompt`;
    if (messages.length === chatMessagesMax)
      return fail(`its prompt has more messages than ${chatMessagesMax}`);
    if (bytes.length - at < headBytes) return fail(`${place} is cut off`);
    const [roleBytes, textBytes] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const roleAt = at + headBytes;
    at = roleAt + roleBytes + textBytes;
    if (at > bytes.length) return fail(`${place} is cut off`);
    const role = decodeUtf8(bytes.subarray(roleAt, roleAt + roleBytes));
    const text = decodeUtf8(bytes.subarray(roleAt + roleBytes, at));
    if (role === undefined || text === undefined) return fail(`${place} is not UTF-8`);
    if (role === '') return fail(`${place} has no role`);
    messages.push({ role, text });
  }
  return messages.length === 0 ? fail('its prompt has no messages') : { ok: true, messages };
}
