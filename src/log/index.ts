// The public face of the record: run directories, the event log and its messages.

export { AnswerWindow } from './answer-window.ts';
export { storageAt } from './archive/archive-storage.ts';
export { type HeldFiles, holdFiles } from './archive/held-files.ts';
export { type ArchivedFile, writeArchive } from './archive/write-archive.ts';
export { ByteWriter } from './byte-writer.ts';
export { type ChannelMessages, type ChannelName, channels, decodeEvent } from './channels.ts';
export type { LogEvent } from './chunk-events.ts';
export { beginRunDirectory, createRunDirectory, type RunContents } from './create-run-directory.ts';
export { makeTailDurable, noteDurable } from './durable-tail.ts';
export {
  checkEventLog,
  EventLogReader,
  type LogEnd,
  type ReadOptions,
  readEvents,
} from './event-log-reader.ts';
export { type EventLogOptions, type EventLogSizes, EventLogWriter } from './event-log-writer.ts';
export type {
  Answer,
  Event,
  Fault,
  LogText,
  Output,
  RunEnded,
  RunOrigin,
  RunStarted,
  TickDigest,
  TickOutcomes,
  TickTrace,
} from './events.ts';
export { finishedTicks } from './finished-ticks.ts';
export { type HeadRecord, headFile, type LogReach, readHead } from './head-record.ts';
export {
  answerDetail,
  type Cursor,
  encodeInput,
  encodeInputTo,
  type Input,
  InputKind,
  inputKindName,
  readAnswerDetail,
  type SealedTick,
} from './input.ts';
export { nodeStorage } from './node-storage.ts';
export { isRecordedRun, type OpenOptions, openRunDirectory, recordedRunId } from './open-run-directory.ts';
export { OutcomesEncoder } from './outcomes-encoder.ts';
export {
  type BegunLog,
  beginLog,
  manifestBytes,
  RunDirectory,
  type RunManifest,
  recordFormat,
} from './run-directory.ts';
export type { AppendHandle, Lock, ReadHandle, Storage, UpdateHandle } from './storage.ts';
export { truncateTail } from './tail.ts';
export { findDigest } from './tick-lookup.ts';
export { type MarkedTurn, readTurnMarker, TurnMarker } from './turn-marker.ts';
