// Where a run begins: what the first digest covers, and what the scheduler and the sandbox know of a system.

import { concatBytes, encodeUtf8 } from '../../base/encoding.ts';
import type { Sha256 } from '../../base/hash.ts';
import { type PrngState, prngFromBytes } from '../../base/prng.ts';
import type { SystemTables } from '../../sandbox/index.ts';
import {
  type Agent,
  declaredNames,
  type ModelDeclaration,
  type SchedulerConfig,
} from '../../scheduler/index.ts';
import { costTableVersion } from '../../wasm/index.ts';
import { compileContract } from '../config/contract.ts';
import { canonicalBytes } from '../config/json-value.ts';
import { decodeModel } from '../config/model-detail.ts';
import type { ModelConfig, SystemConfig } from '../config/system-config.ts';

/** SHA-256 over a label, the version of the cost table, and the normalised configuration with its module hashes. */
export function genesisDigest(config: Uint8Array, sha256: Sha256): Uint8Array<ArrayBuffer> {
  return sha256(concatBytes([encodeUtf8(`wasm-engine run 1\ncost table ${costTableVersion}\n`), config]));
}

export function schedulerConfig(config: SystemConfig): SchedulerConfig {
  const hostCounter = new Map(
    config.agents.flatMap(({ name, count }) => declaredNames(name, count)).map((name, i) => [name, i + 1]),
  );
  const topicIndex = new Map(config.topics.map((topic, index) => [topic.name, index]));
  return {
    policy: config.run.policy,
    ageTicks: config.run.ageTicks,
    tasksPerTickMax: config.run.tasksPerTickMax,
    agentsMax: config.run.agentsMax,
    memoryPagesReservedMax: config.run.memoryPagesReservedMax,
    topics: config.topics.map(({ name, maxWaiting, overflow, contract }) => ({
      name,
      maxWaiting,
      overflow,
      accepts: contract === null ? undefined : compileContract(contract),
    })),
    models: config.models.map(modelDeclaration),
    readModel: (detail) => modelDeclaration(decodeModel(detail)),
    declarations: config.agents.map((agent) => ({
      name: agent.name,
      count: agent.count,
      subscriptions: agent.subscriptions.map((name) => topicIndex.get(name)!),
      channels: agent.channels,
      everyTick: agent.everyTick,
      configuration: agent.config === null ? new Uint8Array(0) : canonicalBytes(agent.config),
      limits: agent.limits,
      overflow: agent.overflow,
      restart: agent.restart,
      onFault: agent.onFault === null ? null : hostCounter.get(agent.onFault)!,
    })),
  };
}

function modelDeclaration({ versions, version, ...model }: ModelConfig): ModelDeclaration {
  return {
    name: model.name,
    latencyTicks: model.latencyTicks,
    pendingMax: model.pendingMax,
    pendingPerAgentMax: model.pendingPerAgentMax,
    versions: versions.map((each) => each.version),
    version: versions.findIndex((each) => each.version === version),
  };
}

export function systemTables(config: SystemConfig): SystemTables {
  const names = config.agents.flatMap((agent) => declaredNames(agent.name, agent.count));
  return {
    agents: names.map((name, index) => [name, index + 1]),
    topics: config.topics.map((topic) => topic.name),
    models: config.models.map((model) => model.name),
    declarations: config.agents.map(({ name, limits, capabilities }) => ({
      name,
      limits,
      mayUseChannels: capabilities.includes('channel'),
    })),
  };
}

/** The start of an agent's random stream: keyed by (seed, identity, incarnation), independent of everything else. */
export function agentPrng(seed: number, agent: Agent, sha256: Sha256): PrngState {
  return prngFromBytes(
    sha256(
      encodeUtf8(`wasm-engine random 1\n${seed}\n${agent.origin}\n${agent.counter}\n${agent.incarnation}\n`),
    ),
  );
}
