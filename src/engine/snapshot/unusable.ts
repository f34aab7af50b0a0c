// Errors of snapshots that cannot be used.

import { EngineError } from '../../base/errors.ts';
import { snapshotFormat } from './snapshot-file.ts';

/** @param path of the run directory */
export function damagedFile(path: string, file: string, offset: number, why: string): EngineError {
  const text = `Cannot read "${file}" in "${path}": ${why}`;
  return new EngineError('record-damaged', text, { file, offset, path });
}

/** @param path of the run directory */
export function ofOtherFormat(path: string, file: string, format: number): EngineError {
  const why = `it has format ${format}, and this version reads format ${snapshotFormat}`;
  const text = `Cannot use the snapshot "${file}" in "${path}": ${why}`;
  return new EngineError('run-directory-invalid', text, { file, path, format });
}
