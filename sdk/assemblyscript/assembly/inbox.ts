// The buffer that the engine writes envelopes into. It is not garbage-collected, and calls no host function.

let inbox: usize = 0;
let capacity: i32 = 0;

/** A buffer of at least `size` bytes, 8-byte aligned; the one before is given up where it was too small. */
export function inboxOf(size: i32): usize {
  if (size > capacity) {
    if (inbox != 0) heap.free(inbox);
    inbox = heap.alloc(size);
    capacity = size;
  }
  return inbox;
}
