// What a stack trace of V8 says of frames of WebAssembly. By itself, since each worker loads it.

/** How V8 writes such a frame: the function, and the offset in the module. */
const framePattern = /wasm-function\[\d+\]:0x([0-9a-f]+)/g;

/** The offsets in the instrumented module that a stack trace names, the innermost first. */
export function trapOffsets(stack: string): number[] {
  return [...stack.matchAll(framePattern)].map(([, offset]) => Number.parseInt(offset!, 16));
}
