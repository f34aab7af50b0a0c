// Input from outside: sources of lines, and what a line says.

export {
  type InputLine,
  type MessageLine,
  type ModelLine,
  type ParsedLine,
  parseInputLine,
} from './input-line.ts';
export { LineFile } from './line-file.ts';
export { type Cursor, type LineSource, startOfSource } from './line-source.ts';
export type { Line } from './line-splitter.ts';
export { LineStream } from './line-stream.ts';
export { isStreamInput, openInput, openInputStream, openLineStream } from './open-input.ts';
