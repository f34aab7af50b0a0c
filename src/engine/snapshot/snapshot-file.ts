// A snapshot's own file as bytes: a mark, a hash, and one message. What is in it is believed only as far as it was
// checked here; whether it is of this run, and of this past of it, the log says.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import { decodeMessage, encodeMessage, type MessageTable } from '../../log/message.ts';
import { sha256 } from '../sha256.ts';
import { formatTable, type SnapshotFile, snapshotTable } from './tables.ts';

const magic = new TextEncoder().encode('WESNAP1\n');
const headBytes = magic.length + 32;
/** Raised whenever a snapshot tells of something in another way: one of another format is not read. */
export const snapshotFormat = 3;

export function encodeSnapshotFile(file: SnapshotFile): Uint8Array {
  const body = encodeMessage(snapshotTable, file);
  return Buffer.concat([magic, sha256(body), body]);
}

/** Makes the error of what is wrong with a file. */
export interface Complaints {
  damaged(offset: number, why: string): EngineError;
  otherFormat(format: number): EngineError;
}

/**
 * @param place which snapshot the name of the file says that it is, and of which run its folder is
 * @throws what one of the complaints makes
 */
export function decodeSnapshotFile(
  bytes: Uint8Array,
  { tick, runId }: { readonly tick: number; readonly runId: string },
  { damaged, otherFormat }: Complaints,
): SnapshotFile {
  if (!bytesEqual(bytes.subarray(0, magic.length), magic)) throw damaged(0, 'it is no snapshot');
  const body = bytes.subarray(headBytes);
  if (!bytesEqual(sha256(body), bytes.subarray(magic.length, headBytes)))
    throw damaged(magic.length, 'its hash is another');
  const { format } = decodeBody(formatTable, body, damaged);
  if (format !== snapshotFormat) throw otherFormat(format);
  const file = decodeBody(snapshotTable, body, damaged);
  if (file.tick !== tick) throw damaged(headBytes, `it is the snapshot of tick ${file.tick}`);
  if (file.runId !== runId) throw damaged(headBytes, `it is of another run, ${file.runId}`);
  if (file.scheduler === undefined) throw damaged(headBytes, 'it holds no scheduler');
  const { length } = file.pages;
  for (const agent of [...file.agents, ...file.images]) {
    const page = agent.pages.find((index) => index > length);
    if (page !== undefined)
      throw damaged(headBytes, `agent ${agent.number} has page ${page}, and there are ${length}`);
  }
  return file;
}

function decodeBody<T>(table: MessageTable<T>, body: Uint8Array, damaged: Complaints['damaged']): T {
  try {
    return decodeMessage(table, body);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw damaged(headBytes + Number(error.details.offset ?? 0), error.message);
  }
}
