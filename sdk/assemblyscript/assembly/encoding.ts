// Strings on their way to the engine, as UTF-8 in two buffers that are used again: the engine copies during the call.

@lazy let names: ArrayBuffer = new ArrayBuffer(0);
@lazy let payloads: ArrayBuffer = new ArrayBuffer(0);

/** Bytes of the latest name or payload. */
export let nameLength: i32 = 0;
export let payloadLength: i32 = 0;

function room(buffer: ArrayBuffer, size: i32): ArrayBuffer {
  if (buffer.byteLength >= size) return buffer;
  return new ArrayBuffer(max(size, max(64, buffer.byteLength * 2)));
}

/** Half a surrogate pair becomes U+FFFD, as it does in JavaScript: the engine takes well-formed UTF-8 only. */
function encode(text: string, buffer: ArrayBuffer): i32 {
  return <i32>(
    String.UTF8.encodeUnsafe(
      changetype<usize>(text),
      text.length,
      changetype<usize>(buffer),
      false,
      String.UTF8.ErrorMode.REPLACE,
    )
  );
}

/** Encodes a topic, channel, agent or declaration; good until the next one. */
export function encodeName(text: string): usize {
  names = room(names, text.length * 3);
  nameLength = encode(text, names);
  return changetype<usize>(names);
}

/** Encodes a payload; good until the next one. */
export function encodePayload(text: string): usize {
  payloads = room(payloads, text.length * 3);
  payloadLength = encode(text, payloads);
  return changetype<usize>(payloads);
}
