// The headers of a tar archive (POSIX ustar): the few facts that a file of a run has. Nothing of a host is in them.

import { decodeUtf8, encodeUtf8 } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';

export const tarBlockBytes = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;
/** Eleven octal digits. */
const sizeMax = 8 ** 11 - 1;

export interface TarEntry {
  /** Path within the archive. */
  readonly name: string;
  readonly size: number;
  /** Whether it is a plain file; folders and what other tools add are not. */
  readonly isFile: boolean;
}

/** The header of a plain file: read by everybody, of nobody, at the beginning of time. */
export function encodeTarHeader(name: string, size: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(tarBlockBytes);
  const put = (at: number, text: string): void => header.set(encodeUtf8(text), at);
  const [prefix, rest] = splitName(name);
  if (size > sizeMax) {
    throw new EngineError(
      'run-failed',
      `Cannot put "${name}" into an archive: it has ${size} bytes, at most ${sizeMax} fit`,
    );
  }
  put(0, rest);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(156, '0');
  put(257, 'ustar\x0000');
  put(345, prefix);
  put(148, `${checksum(header).toString(8).padStart(6, '0')}\0 `);
  return header;
}

function splitName(name: string): [prefix: string, rest: string] {
  if (encodeUtf8(name).length <= nameBytesMax) return ['', name];
  const at = name.indexOf('/');
  const [prefix, rest] = [name.slice(0, at), name.slice(at + 1)];
  if (at > 0 && encodeUtf8(prefix).length <= prefixBytesMax && encodeUtf8(rest).length <= nameBytesMax)
    return [prefix, rest];
  throw new EngineError('run-failed', `Cannot put "${name}" into an archive: its name is too long`);
}

/** The sum of all bytes, its own eight taken as spaces. */
function checksum(header: Uint8Array): number {
  return header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

/** Undefined where the block is no header. */
export function decodeTarHeader(header: Uint8Array): TarEntry | undefined {
  if (header.length < tarBlockBytes || octal(header, 148, 8) !== checksum(header)) return undefined;
  const size = octal(header, 124, 12);
  if (size === undefined) return undefined;
  const isUstar = text(header, 257, 5) === 'ustar';
  const prefix = isUstar ? text(header, 345, prefixBytesMax) : '';
  const name = text(header, 0, nameBytesMax);
  const type = header[156]!;
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, isFile: type === 0x30 || type === 0 };
}

function text(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return decodeUtf8(end < 0 ? field : field.subarray(0, end)) ?? '';
}

function octal(header: Uint8Array, at: number, length: number): number | undefined {
  const digits = text(header, at, length).trim();
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}
