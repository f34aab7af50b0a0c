// The public face of the sandbox room.

export { collectGarbage } from './collect.ts';
export { CommandWriter } from './command-writer.ts';
export type { CallWatch } from './executor.ts';
export { readState, renewState, type StateFacts } from './instance-state.ts';
export { type Allocate, captureImage, expandImage, keptBytesMax, type MemoryImage } from './memory-image.ts';
export type { MemorySpec } from './memory-store.ts';
export type { Pool, ResultStream, ResultStreams } from './pool.ts';
export { createInlinePool } from './pool.ts';
export { flagMeasure, turnResultWords } from './protocol.ts';
export type { SystemTables } from './tables.ts';
export { createThreadPool, type ThreadPool, type ThreadPoolOptions } from './thread-pool.ts';
export { WordBuffer } from './word-buffer.ts';
