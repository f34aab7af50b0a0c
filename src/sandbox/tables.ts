// What every worker knows of the system: names, topics, declarations. Built once, the same everywhere.

import { encodeUtf8 } from '../base/encoding.ts';
import type { AgentLimits } from '../base/limits.ts';
import { ByteTable } from './byte-table.ts';

/** As it crosses to a worker: plain data. */
export interface SystemTables {
  /** Agents of the system file: name and host counter. */
  readonly agents: readonly (readonly [string, number])[];
  /** Declared topics, by index. */
  readonly topics: readonly string[];
  /** Models, by index. */
  readonly models: readonly string[];
  readonly declarations: readonly {
    readonly name: string;
    readonly limits: AgentLimits;
    readonly mayUseChannels: boolean;
  }[];
}

/** As host functions look things up. */
export interface LookupTables {
  readonly agents: ByteTable;
  readonly topics: ByteTable;
  /** Grows by those that the run declares. */
  models: ByteTable;
  readonly declarations: ByteTable;
}

export function buildLookupTables(tables: SystemTables): LookupTables {
  return {
    agents: new ByteTable(tables.agents.map(([name, counter]) => [encodeUtf8(name), counter])),
    topics: new ByteTable(tables.topics.map((name, index) => [encodeUtf8(name), index])),
    models: new ByteTable(tables.models.map((name, index) => [encodeUtf8(name), index])),
    declarations: new ByteTable(tables.declarations.map(({ name }, index) => [encodeUtf8(name), index])),
  };
}
