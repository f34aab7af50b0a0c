import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chatMessagesMax, decodeChatMessages, encodeChatMessages } from './chat-messages.ts';

const text = fc.string({ unit: 'grapheme' });

test('messages are read as they were written', () => {
  const message = fc.record(
    { role: fc.string({ minLength: 1, unit: 'grapheme' }), text },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 8 }), (messages) => {
      assert.deepEqual(decodeChatMessages(encodeChatMessages(messages)), { ok: true, messages });
    }),
  );
});

test('whatever the bytes, reading them ends, and what was read is what they say', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = decodeChatMessages(bytes);
      if (read.ok) assert.deepEqual(encodeChatMessages(read.messages), bytes);
    }),
  );
});

test('a prompt has so many messages at most', () => {
  const messages = Array.from({ length: chatMessagesMax + 1 }, () => ({ role: 'user', text: '' }));
  assert.equal(decodeChatMessages(encodeChatMessages(messages.slice(1))).ok, true);
  assert.deepEqual(decodeChatMessages(encodeChatMessages(messages)), {
    ok: false,
    problem: 'its prompt has more messages than 1024',
  });
});
