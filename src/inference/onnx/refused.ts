// What every reader of a model says where it cannot go on, and how it takes names.

import { decodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';

export function refused(message: string): EngineError {
  return new EngineError('model-refused', message);
}

/** @throws EngineError `model-refused` */
export function text(bytes: Uint8Array): string {
  const found = decodeUtf8(bytes);
  if (found === undefined) throw refused('a name in it is not UTF-8');
  return found;
}
