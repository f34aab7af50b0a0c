// Runs of small agents for tests of the engine's face. Must not be published.

import assert from 'node:assert/strict';
import { EngineError, type ErrorCode } from '../../base/errors.ts';
import { type AgentDescription, createSystem, type SystemDescription } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import type { OrchestratorOptions } from '../run-types.ts';
import { countingAgent, echoAgent, restlessAgent } from './agents.ts';
import { newFolder } from './runs.ts';

export const echo: AgentDescription = { module: echoAgent(), capabilities: ['output'] };
export const counting: AgentDescription = { module: countingAgent(), capabilities: ['output'] };
export const restless: AgentDescription = { module: restlessAgent(), capabilities: ['output'] };

/** A run of agents `echo`, `counting` and, to be spawned, `many`, or of what the description says. */
export async function create(
  description: Partial<SystemDescription> = {},
  options: Partial<OrchestratorOptions> = {},
): Promise<Orchestrator> {
  const agents = { echo, counting, many: { ...echo, count: 0 } };
  const system = await createSystem({ host: { durability: 'none' }, agents, ...description });
  return Orchestrator.create({ system, runDirectory: newFolder(), ...options });
}

/** For `assert.throws` and `assert.rejects`: an error of the engine with this code, whose message has these words. */
export function isCode(code: ErrorCode, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof EngineError, String(error));
    assert.deepEqual([error.code, words.test(error.message)], [code, true], error.message);
    return true;
  };
}
