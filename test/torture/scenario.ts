// One run that is to be tortured, all of it from a seed: a system, its input, how the input comes, and when who dies.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agent, countingAgent, echoAgent, importText } from '../../src/engine/testing/agents.ts';
import { Chance } from '../sim/chance.ts';

/** Whom a kill hits: the process that works, the one that watches over it, or both. */
export type Target = 'engine' | 'supervisor' | 'both';

export interface Kill {
  /** Waits until a process has added to the record first; otherwise it may be starting, or going through the record. */
  readonly atWork: boolean;
  readonly waitMs: number;
  readonly target: Target;
}

export interface Scenario {
  readonly seed: number;
  readonly folder: string;
  readonly system: string;
  /** Every one is good, and becomes one input. */
  readonly lines: readonly string[];
  readonly durability: 'tick' | 'batch' | 'none';
  readonly workers: number;
  /** `live`: lines enter when they come, so the ticks of two runs differ, and only their inputs are compared. */
  readonly how: 'stdin' | 'live' | 'file';
  readonly outputToFile: boolean;
  readonly kills: readonly Kill[];
}

/** Sends what it gets on to another agent as long as its first byte is a digit that is not 0, and fails at 7. */
function relayAgent(): Uint8Array<ArrayBuffer> {
  const at = '(i32.load offset=52 (local.get $at))';
  const size = '(i32.load offset=56 (local.get $at))';
  return agent({
    before: `${importText('output', 2)} ${importText('publish', 4)} (data (i32.const 0) "relayed")`,
    receive: `(if (i32.eq (i32.load8_u ${at}) (i32.const 55)) (then unreachable))
      (drop (call $output ${at} ${size}))
      (call $publish (i32.const 0) (i32.const 7) ${at} ${size})`,
  });
}

function systemText(chance: Chance, durability: string): string {
  return `[run]
seed = ${chance.below(1000)}
tickMs = 4
inputsPerTickMax = ${1 + chance.below(4)}
[host]
durability = "${durability}"
snapshotTicks = ${chance.pick([0, 0, 10, 40])}
residentAgentsMax = ${chance.pick([3, 4096])}
[topics.relayed]
[agents.echo]
module = "echo.wasm"
count = 3
capabilities = ["output"]
[agents.counting]
module = "counting.wasm"
capabilities = ["output"]
subscriptions = ["relayed"]
everyTick = true
[agents.relay]
module = "relay.wasm"
count = 2
capabilities = ["output", "publish"]
[agents.relay.restart]
policy = "${chance.pick(['from-init', 'from-image'])}"
restartsMax = 20
backoffTicksMax = 4
imageTicks = 5
`;
}

const agents = ['echo/0', 'echo/1', 'echo/2', 'counting', 'relay/0', 'relay/1'];

function planKills(chance: Chance): Kill[] {
  const target = (): Target =>
    chance.pick(['engine', 'engine', 'engine', 'engine', 'engine', 'supervisor', 'both']);
  return Array.from({ length: 3 + chance.below(8) }, () => {
    const atWork = !chance.oneIn(3);
    const waitMs = chance.below(atWork ? chance.pick([10, 100, 300]) : chance.pick([60, 600]));
    return { atWork, waitMs, target: target() };
  });
}

export function createScenario(seed: number, folder: string): Scenario {
  const chance = new Chance(`torture/${seed}`);
  const durability = chance.pick(['tick', 'batch', 'batch', 'none'] as const);
  const how = chance.pick(['stdin', 'stdin', 'live', 'file'] as const);
  mkdirSync(folder, { recursive: true });
  const system = join(folder, 'system.toml');
  writeFileSync(system, systemText(chance, durability));
  writeFileSync(join(folder, 'echo.wasm'), echoAgent());
  writeFileSync(join(folder, 'counting.wasm'), countingAgent());
  writeFileSync(join(folder, 'relay.wasm'), relayAgent());
  const count = 200 + chance.below(600);
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ agent: chance.pick(agents), payload: chance.below(1000) * 10_000 + i }),
  );
  writeFileSync(join(folder, 'lines.jsonl'), lines.map((line) => `${line}\n`).join(''));
  const workers = chance.pick([0, 0, 2]);
  const outputToFile = chance.below(4) === 0;
  return { seed, folder, system, lines, durability, workers, how, outputToFile, kills: planKills(chance) };
}
