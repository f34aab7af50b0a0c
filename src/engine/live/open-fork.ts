// A new run that goes on from a tick of another one: the other's state, perhaps with another seed or other modules.

import { basename, resolve } from 'node:path';
import { encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import type { RunDirectory, RunOrigin } from '../../log/index.ts';
import { readState } from '../../sandbox/index.ts';
import { beginAnew, restoreState, saveState } from '../../scheduler/index.ts';
import { checkSeed } from '../config/seed.ts';
import {
  type Durability,
  hostDefaults,
  type ModuleSource,
  type SystemConfig,
} from '../config/system-config.ts';
import { findModelFolders } from '../models/model-folders.ts';
import { agentPrng, schedulerConfig } from '../modules/genesis.ts';
import type { Ports } from '../ports.ts';
import { parseHostOptions } from '../record/host-options.ts';
import { type LoadedRun, loadRun } from '../record/load-run.ts';
import { beginRecord } from '../record/open-record.ts';
import { type Rewound, rewind } from '../replay/rewind.ts';
import { RunTotals } from '../run-totals.ts';
import type { ForkOptions } from '../run-types.ts';
import { sha256 } from '../sha256.ts';
import { Offers } from '../snapshot/offer.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import type { Snapshot } from '../turns/machine.ts';
import type { AgentImage } from '../turns/turn-runner.ts';
import { type OpenRun, readLast, withOpened, withWorkers } from './open-run.ts';

export async function openFork(options: ForkOptions, ports: Ports): Promise<OpenRun> {
  const offers = new Offers();
  try {
    return await forkWith(offers, options, ports);
  } finally {
    offers.close();
  }
}

async function forkWith(offers: Offers, options: ForkOptions, ports: Ports): Promise<OpenRun> {
  const parent = await loadRun(options.from, ports, { offers });
  const { config, modules, changes } = changedSystem(parent, options);
  const { captured, recorded, snapshot } = await captureAt(parent, config, options.tick, ports, offers);
  const wanted = options.ticks === undefined ? changes : [...changes, `ticks up to ${options.ticks}`];
  if (captured.scheduler.stopping && wanted.length > 0) throw endedBy(parent.directory, options.tick, wanted);
  const durability = parent.directory.manifest.durability as Durability;
  const modelFolders = findModelFolders(parent.directory, config, options.modelsDirectory);
  const host = {
    ...hostDefaults,
    ...parseHostOptions(readLast(parent.directory).host),
    durability,
    modelFolders,
  };
  const system = withWorkers({ config, host, modules }, options);
  const origin: RunOrigin = {
    runId: parent.directory.manifest.runId,
    name: basename(resolve(options.from)),
    tick: captured.tick,
    digest: encodeHex(captured.digest),
    changes,
  };
  return withOpened(system, options, ports, captured, async (opened) => {
    await opened.inference?.prepare(opened.machine.state.requests.models);
    const writeBase = async (directory: RunDirectory): Promise<void> => {
      const store = new SnapshotStore(directory, ports);
      if (snapshot !== undefined) store.takeOver(offers.of(snapshot));
      await store.write(captured, config.run.tickMs);
    };
    const beginning = { base: captured, origin, writeBase };
    const record = await beginRecord(options.runDirectory, system, ports, beginning);
    const totals = new RunTotals(opened.machine.state);
    return { system, ...opened, record, totals, recorded, snapshotTick: captured.tick, again: [] };
  });
}

interface ChangedSystem {
  readonly config: SystemConfig;
  readonly modules: ReadonlyMap<string, ModuleSource>;
  /** In words. */
  readonly changes: readonly string[];
}

/** The other run's system with what is to be changed. What is given but the same changes nothing. */
function changedSystem(
  parent: LoadedRun,
  { seed, modules = {}, moduleFiles = {}, otherInput }: ForkOptions,
): ChangedSystem {
  const { run, agents } = parent.config;
  if (seed !== undefined) checkSeed(seed);
  const changes: string[] = [];
  const sources = new Map(parent.modules);
  for (const name of Object.keys(modules)) {
    if (agents.some((agent) => agent.name === name)) continue;
    const wanted = agents.map((agent) => JSON.stringify(agent.name)).join(', ');
    const text = `Cannot give ${JSON.stringify(name)} another module: no agents are declared so; wanted one of ${wanted}`;
    throw new EngineError('config-invalid', text, { agent: name });
  }
  const changed = agents.map((agent) => {
    const bytes = modules[agent.name];
    const module = bytes === undefined ? agent.module : encodeHex(sha256(bytes));
    if (bytes === undefined || module === agent.module) return agent;
    const file = moduleFiles[agent.name];
    sources.set(module, { bytes, files: file === undefined ? [] : [file] });
    changes.push(`module of ${agent.name}: ${module} in place of ${agent.module}`);
    return { ...agent, module };
  });
  if (seed !== undefined && seed !== run.seed) changes.push(`seed: ${seed} in place of ${run.seed}`);
  if (otherInput !== undefined) changes.push(`input: ${otherInput}`);
  const config = { ...parent.config, run: { ...run, seed: seed ?? run.seed }, agents: changed };
  const used = new Set(changed.map((agent) => agent.module));
  return { config, modules: new Map([...sources].filter(([hash]) => used.has(hash))), changes };
}

/** The state of a recorded run after its last tick up to `tick`, made fit for the changed system. */
async function captureAt(
  run: LoadedRun,
  config: SystemConfig,
  tick: number,
  ports: Ports,
  offers: Offers,
): Promise<Pick<Rewound, 'recorded' | 'snapshot'> & { readonly captured: Snapshot }> {
  const rewound = await rewind(run, tick, { offers }, ports);
  const { machine, recorded, snapshot, close } = rewound;
  try {
    if (machine.state.tick === 0) {
      const text = `Cannot fork "${run.directory.path}" at tick ${tick}: it has no tick before that`;
      throw new EngineError('input-invalid', text, { tick });
    }
    const captured = withNewModules(await machine.capture(), rewound, run.config, config);
    // The other run's source is not the fork's.
    const own = { ...recorded, sealed: undefined, cursor: undefined, namedTick: 0, ended: undefined };
    const reseeded = withNewSeed(captured, machine.state.agents, run.config, config);
    return { captured: reseeded, recorded: own, snapshot };
  } finally {
    await close();
  }
}

/** All agents were told to shut down: nothing comes of what is given now, and no tick of what they do. */
function endedBy({ path }: RunDirectory, tick: number, wanted: readonly string[]): EngineError {
  const why = `the run has ended by then, and its agents have shut down; wanted an earlier tick, for ${wanted.join(', ')}`;
  return new EngineError('input-invalid', `Cannot fork "${path}" at tick ${tick}: ${why}`, { tick });
}

/** Agents of another module begin anew. */
function withNewModules(
  captured: Snapshot,
  { modules }: Rewound,
  before: SystemConfig,
  after: SystemConfig,
): Snapshot {
  const isChanged = (declaration: number): boolean =>
    before.agents[declaration]!.module !== after.agents[declaration]!.module;
  if (!before.agents.some((_, declaration) => isChanged(declaration))) return captured;
  const state = restoreState(schedulerConfig(after), captured.scheduler);
  const images = new Map(captured.agents.map((image) => [image.number, image]));
  const changed = new Set<number>();
  for (const agent of state.agents) {
    if (agent === undefined || !isChanged(agent.declarationIndex)) continue;
    const image = images.get(agent.number);
    const { globals } = modules.list[modules.indexOfDeclaration[agent.declarationIndex]!]!;
    const words = globals.map((global) => global.words);
    const counted = image === undefined ? undefined : readState(words, image.state);
    beginAnew(state, agent, counted);
    changed.add(agent.number);
  }
  const isKept = ({ number }: AgentImage): boolean => !changed.has(number);
  return {
    ...captured,
    scheduler: saveState(state),
    agents: captured.agents.filter(isKept),
    images: captured.images.filter(isKept),
  };
}

/** With another seed every random stream begins anew. */
function withNewSeed(
  captured: Snapshot,
  agents: Rewound['machine']['state']['agents'],
  before: SystemConfig,
  after: SystemConfig,
): Snapshot {
  const { seed } = after.run;
  if (seed === before.run.seed) return captured;
  const reseed = (image: AgentImage): AgentImage => {
    const state = image.state.slice();
    state.set(agentPrng(seed, agents[image.number]!, sha256));
    return { ...image, state };
  };
  return { ...captured, agents: captured.agents.map(reseed) };
}
