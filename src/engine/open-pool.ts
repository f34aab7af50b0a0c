// The pool for a number of workers.

import { createInlinePool, createThreadPool, type Pool } from '../sandbox/index.ts';
import type { SystemConfig } from './config/system-config.ts';
import { systemTables } from './genesis.ts';

export interface PoolChoice {
  /** 0: turns run in the caller's thread. */
  readonly workers: number;
  /** Whether the caller's thread may sleep while workers run: true only for a program that owns its process. */
  readonly blocking: boolean;
}

export function openPool(config: SystemConfig, { workers, blocking }: PoolChoice): Pool {
  const tables = systemTables(config);
  return workers === 0 ? createInlinePool(tables) : createThreadPool({ workers, tables, blocking });
}
