// The pool for a number of workers.

import { EngineError } from '../../base/errors.ts';
import { createInlinePool, createThreadPool, type Pool } from '../../sandbox/index.ts';
import { type SystemConfig, workersMax } from '../config/system-config.ts';
import { systemTables } from '../modules/genesis.ts';

export interface PoolChoice {
  /** 0: turns run in the caller's thread. */
  readonly workers: number;
  /** Whether the caller's thread may sleep while workers run: true only for a program that owns its process. */
  readonly blocking: boolean;
}

/** @throws EngineError `config-invalid` where no pool has so many workers */
export function openPool(config: SystemConfig, { workers, blocking }: PoolChoice): Pool {
  if (!Number.isInteger(workers) || workers < 0 || workers > workersMax) {
    const message = `Cannot use ${workers} workers: a whole number from 0 to ${workersMax} was wanted`;
    throw new EngineError('config-invalid', message, { workers });
  }
  const tables = systemTables(config);
  return workers === 0 ? createInlinePool(tables) : createThreadPool({ workers, tables, blocking });
}
