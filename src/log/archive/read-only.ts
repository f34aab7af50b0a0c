// A storage that is only read: whatever would change it is refused.

import type { Storage } from '../storage.ts';

/** @param refuse throws what a call that would change the storage ends with */
export function readOnly(
  reading: Pick<Storage, 'place' | 'list' | 'openRead'>,
  refuse: () => never,
): Storage {
  return {
    ...reading,
    makeFolder: refuse,
    syncFolder: refuse,
    create: refuse,
    openAppend: refuse,
    openUpdate: refuse,
    rename: refuse,
    link: refuse,
    truncate: refuse,
    remove: refuse,
    lock: refuse,
  };
}
