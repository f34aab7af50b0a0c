// Names of files in a system file: relative, with "/", and never outside the folder of that file.

import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep, win32 } from 'node:path';
import { failureText } from '../../base/failure-text.ts';

/** Where a name leads, or why it may not be used. */
export type Located =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly missing: boolean; readonly message: string };

/** Finds the regular file, or the folder, `name` in `folder`; links are followed and must stay inside. */
export function locateInside(folder: string, name: string, kind: 'file' | 'folder' = 'file'): Located {
  const refusal = refuseName(name);
  if (refusal !== undefined) return { ok: false, missing: false, message: refusal };
  const path = resolve(folder, name);
  if (!isInside(folder, path)) {
    const message = `found ${JSON.stringify(name)}, wanted a ${kind} inside the folder of the system file`;
    return { ok: false, missing: false, message };
  }
  let real: string;
  try {
    real = realpathSync(path);
    const found = statSync(real);
    if (kind === 'file' ? !found.isFile() : !found.isDirectory())
      return { ok: false, missing: true, message: `${JSON.stringify(path)} is no ${kind}` };
  } catch (error) {
    return { ok: false, missing: true, message: unreadable(path, error) };
  }
  if (!isInside(realpathSync(folder), real)) {
    const message = `${JSON.stringify(name)} is a link to ${JSON.stringify(real)}, which is outside the folder of the system file`;
    return { ok: false, missing: false, message };
  }
  return { ok: true, path };
}

/** For a message: what the file system said about a path. */
export function unreadable(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `no file at ${JSON.stringify(path)}`;
  return `cannot read ${JSON.stringify(path)}: ${failureText(error)}`;
}

/** The rules that hold on every system, so that a folder that works here works elsewhere. */
function refuseName(name: string): string | undefined {
  if (name.includes('\0')) return 'found a name with a zero character, wanted a path';
  if (name.includes('\\')) return `found ${JSON.stringify(name)}, wanted "/" between folders`;
  if (isAbsolute(name) || win32.isAbsolute(name) || /^[A-Za-z]:/.test(name))
    return `found ${JSON.stringify(name)}, wanted a path relative to the system file`;
  return undefined;
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
