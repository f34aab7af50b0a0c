// The library's face of a run: agents, messages and tasks go in, outputs and a record come out.

import { encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import type { ModelStatistics } from '../../inference/index.ts';
import { InputKind, type RunOrigin } from '../../log/index.ts';
import { type TelemetryHook, TelemetryHooks } from '../../telemetry/index.ts';
import type { AgentId } from '../agent-id.ts';
import type { ModelDescription } from '../config/create-system.ts';
import type { HostConfig } from '../config/system-config.ts';
import { HostCalls } from '../input/host-calls.ts';
import { HostInputs } from '../input/host-inputs.ts';
import { SealedLines } from '../input/sealed-lines.ts';
import { type StateView, viewState } from '../inspect/state-view.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { DurableLog } from '../record/durable-log.ts';
import type {
  AgentSpec,
  EndReason,
  ForkOptions,
  Message,
  OrchestratorOptions,
  ResumeOptions,
  RunOptions,
  RunSummary,
  TaskSpec,
} from '../run-types.ts';
import { sha256 } from '../sha256.ts';
import { SnapshotSchedule } from '../snapshot/schedule.ts';
import { SnapshotStore } from '../snapshot/store.ts';
import { CarefulMode } from '../turns/careful-mode.ts';
import { LiveRun } from './live-run.ts';
import { endOfTime } from './next-tick.ts';
import { openFeed } from './open-feed.ts';
import { openFork } from './open-fork.ts';
import { openLines } from './open-lines.ts';
import { type OpenRun, openExistingRun, openNewRun } from './open-run.ts';
import { RunModels } from './run-models.ts';

/**
 * One run of one system. Calls that change the run are sealed into the next tick, in the order of the calls; they
 * answer at once, and `acknowledged()` tells when they are durable.
 *
 * @example
 * const system = await loadSystem('system.toml');
 * const orchestrator = await Orchestrator.create({ system, runDirectory: 'runs/1' });
 * orchestrator.send('greeter', { payload: { name: 'Ada' } });
 * const summary = await orchestrator.run();
 */
export class Orchestrator {
  readonly #open: OpenRun;
  readonly #ports: Ports;
  readonly #runDirectory: string;
  readonly #durable: DurableLog;
  readonly #hostInputs: HostInputs = new HostInputs();
  readonly #hooks: TelemetryHooks = new TelemetryHooks();
  readonly #calls: HostCalls;
  readonly #models: RunModels;
  readonly #snapshots: SnapshotSchedule;
  readonly #live: LiveRun;
  readonly #careful: CarefulMode | undefined;
  #busy = false;
  #ended: EndReason | 'failed' | undefined;

  private constructor(open: OpenRun, options: Omit<ResumeOptions, 'host'>, ports: Ports) {
    const { system, machine, record, totals } = open;
    this.#open = open;
    this.#ports = ports;
    this.#runDirectory = options.runDirectory;
    this.#calls = new HostCalls(system.config, machine.state);
    this.#models = new RunModels(open, this.#calls, this.#hostInputs);
    const lines = new SealedLines();
    const { durability: mode, batchTicks, batchMs } = system.host;
    this.#durable = new DurableLog({
      log: record.log,
      mode,
      sink: options.outputs,
      inputs: this.#hostInputs,
      lines,
      batchTicks,
      batchMs,
      clock: ports.clock,
    });
    const { snapshotTicks, snapshotsKept } = system.host;
    const { tickMs, answerBytesPerTickMax } = system.config.run;
    const store = new SnapshotStore(record.directory, ports, snapshotsKept);
    if (open.snapshotTick !== undefined) store.goOnFrom(open.snapshotTick);
    this.#snapshots = new SnapshotSchedule(store, snapshotTicks, tickMs);
    const { careful } = options;
    if (careful !== undefined)
      this.#careful = new CarefulMode(record.directory.storage, careful, ports.clock);
    this.#live = new LiveRun({
      machine,
      totals,
      snapshots: this.#snapshots,
      recorder: record.recorder,
      durable: this.#durable,
      hostInputs: this.#hostInputs,
      hooks: this.#hooks,
      tickMs,
      answerBytesPerTickMax,
      clock: ports.clock,
      inference: open.inference,
      careful: this.#careful,
      stop: open.recorded?.stop,
      lines,
    });
  }

  /**
   * Begins a run.
   * @throws EngineError `module-refused`, `run-directory-invalid` where the folder is not empty, `host-fault`
   */
  static async create(options: OrchestratorOptions, ports: Ports = nodePorts): Promise<Orchestrator> {
    return new Orchestrator(await openNewRun(options, ports), options, ports);
  }

  /**
   * Begins a run that goes on from a tick of another one, perhaps with another seed or other modules. Its run directory
   * stands by itself, with the snapshot that it began from, and says where it comes from. The other run's inputs are
   * taken on where `run` names it as `recorded`.
   * @throws EngineError `input-invalid` where the other run has no such tick, `config-invalid` where it has no such
   *   declaration; what `create` and `replayRun` throw
   */
  static async fork(options: ForkOptions, ports: Ports = nodePorts): Promise<Orchestrator> {
    return new Orchestrator(await openFork(options, ports), options, ports);
  }

  /**
   * Goes on with a run that was interrupted: its record is executed again, compared, and appended to.
   * @throws EngineError `run-directory-invalid` where the run has ended, `record-damaged`, `replay-diverged`
   */
  static async resume(options: ResumeOptions, ports: Ports = nodePorts): Promise<Orchestrator> {
    const open = await openExistingRun(options, ports);
    const orchestrator = new Orchestrator(open, options, ports);
    // A tick whose end the record does not tell.
    const sealed = open.recorded?.sealed;
    await orchestrator.#exclusive('resume', async () => {
      for (const output of open.again) options.outputs?.write(output);
      await orchestrator.#live.goOn(sealed);
    });
    return orchestrator;
  }

  /** Name of the source that the record was taken from, and how far; undefined where there was none. */
  get recordedSource(): { readonly name: string; readonly ended: boolean } | undefined {
    const cursor = this.#open.recorded?.cursor;
    return cursor === undefined ? undefined : { name: cursor.source, ended: cursor.ended };
  }

  /** Where the run comes from, where it is a fork. */
  get origin(): RunOrigin | undefined {
    return this.#open.record.directory.manifest.origin;
  }

  /** What the run takes of its machine: for one that goes on, what the record says it was told last. */
  get host(): HostConfig {
    return this.#open.system.host;
  }

  /** The last executed tick. */
  get tick(): number {
    return this.#open.machine.state.tick;
  }

  /** Lower-case hexadecimal digest of the last executed tick. */
  get digest(): string {
    return encodeHex(this.#open.machine.digest);
  }

  /** Creates an agent of a declaration in the next tick; its identity is known at once. */
  spawnAgent(spec: AgentSpec): AgentId {
    const { id, input } = this.#calls.spawn(spec);
    this.#hostInputs.add(input);
    return id;
  }

  /** Asks an agent to end: `agent_shutdown` becomes its only task. */
  terminateAgent(agentId: AgentId): void {
    this.#hostInputs.add(this.#calls.lifeCycle(InputKind.terminate, agentId));
  }

  /** Nothing is planned for the agent until it is resumed; what comes waits in its mailbox. */
  pauseAgent(agentId: AgentId): void {
    this.#hostInputs.add(this.#calls.lifeCycle(InputKind.pause, agentId));
  }

  resumeAgent(agentId: AgentId): void {
    this.#hostInputs.add(this.#calls.lifeCycle(InputKind.resume, agentId));
  }

  /** Lets a paused agent run one waiting task in the next tick. */
  stepAgent(agentId: AgentId): void {
    this.#hostInputs.add(this.#calls.lifeCycle(InputKind.step, agentId));
  }

  /** Gives an agent a step with a payload. */
  scheduleTask(agentId: AgentId, task: TaskSpec): void {
    this.#hostInputs.add(this.#calls.task(agentId, task));
  }

  /** Publishes to a topic or channel; subscribers get it in the order of their subscription. */
  publish(topic: string, message: Message): void {
    this.#hostInputs.add(this.#calls.publish(topic, message));
  }

  send(agentId: AgentId, message: Message): void {
    this.#hostInputs.add(this.#calls.message(agentId, message));
  }

  /**
   * Loads another version of a model; requests of later ticks go to it, and those under way keep theirs.
   * @throws EngineError `input-invalid`, `input-refused` where the run has ended; and where it cannot be loaded
   *   `model-refused` or alike: nothing changes then
   */
  async useModel(model: string, version: string): Promise<void> {
    this.#hostInputs.add(await this.#models.use(model, version));
  }

  /**
   * Brings in a model that the system does not have: agents with the capability may ask it from the next tick on, as
   * if the system had declared it. Its folder is that of the description, and its versions are pinned there.
   * @throws EngineError `config-invalid`; `input-invalid` where the run has a model of that name; `input-refused` where
   *   it has ended; and where it cannot be loaded `model-missing`, `model-refused` or alike: nothing changes then
   */
  async declareModel(name: string, description: ModelDescription): Promise<void> {
    this.#hostInputs.add(await this.#models.declare(name, description));
  }

  /** What the models of the run have done on this machine so far. */
  get modelStatistics(): readonly ModelStatistics[] {
    return this.#open.inference?.statistics ?? [];
  }

  joinChannel(agentId: AgentId, channel: string): void {
    this.#hostInputs.add(this.#calls.membership(InputKind.join, agentId, channel));
  }

  leaveChannel(agentId: AgentId, channel: string): void {
    this.#hostInputs.add(this.#calls.membership(InputKind.leave, agentId, channel));
  }

  /**
   * Resolves when every call so far is executed, has reached its receiver, and is as durable as the mode says. A
   * call whose receiver has no room waits where the receiver's policy is `block`. Calls are executed by `run`, `settle`
   * and `stop` alone: whoever awaits this before one of them is begun waits for ever.
   * @throws EngineError `input-refused` where a call reached nobody, once
   */
  acknowledged(): Promise<void> {
    return this.#hostInputs.acknowledged();
  }

  /** The state between two ticks, as plain data. */
  snapshotState(): StateView {
    const { machine, system } = this.#open;
    this.#refuseBusy('describe the state');
    return viewState(machine, system.config.run.tickMs, sha256);
  }

  /** Keeps a snapshot, durable with the record up to its tick when this resolves; answers the tick. */
  saveSnapshot(): Promise<number> {
    if (this.tick === 0) throw new EngineError('run-failed', 'Cannot take a snapshot: no tick was executed');
    return this.#exclusive('take a snapshot', async () => {
      await this.#durable.sync();
      await this.#snapshots.take(this.#open.machine);
      await this.#snapshots.settled();
      return this.tick;
    });
  }

  /** Attaches an observer of committed ticks. It can change nothing. */
  registerTelemetryHook(hook: TelemetryHook): void {
    if (typeof hook !== 'object' || hook === null) {
      const found = `found ${String(hook)}, wanted an object of functions`;
      throw new EngineError('input-invalid', `Cannot take a telemetry hook: ${found}`);
    }
    this.#hooks.add(hook);
  }

  /** Runs until nothing is left to do by itself, and leaves the run open for more calls. */
  async settle(options: Pick<RunOptions, 'onTick'> = {}): Promise<void> {
    await this.#exclusive('settle', () => this.#live.settle(options));
  }

  /**
   * Runs to the end: the end of the inputs and quiescence, the last tick, or the signal. Then the run and its source
   * are closed.
   * @throws EngineError `input-invalid` for a bad line in strict mode, `config-invalid` for a last tick that is past,
   *   `host-fault`
   */
  async run(options: RunOptions = {}): Promise<RunSummary> {
    const { source, ticks } = options;
    this.#refuseBusy('run');
    try {
      if (ticks !== undefined) this.#checkLastTick(ticks);
      return await this.#exclusive('run', async () => {
        if (await this.#follow(options)) return this.#end('interrupted');
        const makers = { calls: this.#calls, models: this.#models };
        const lines = source && (await openLines(source, this.#open, makers, this.#durable, options));
        return this.#end(await this.#live.run(lines, options));
      });
    } finally {
      source?.close();
    }
  }

  /** Shuts all agents down in the next tick and ends the run for good. */
  async stop(): Promise<RunSummary> {
    return this.#exclusive('stop', async () => {
      await this.#live.stop(this.tick + 1, 'quiescence', undefined);
      return this.#end('quiescence');
    });
  }

  /** Lets go of everything. A run that has not ended is interrupted: it can go on later. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return;
    if (this.#busy)
      throw new EngineError('run-failed', 'Cannot close a run while it runs: end it by its signal');
    await this.#exclusive('close', () => this.#end('interrupted'));
  }

  #checkLastTick(lastTick: number): void {
    const { machine, system } = this.#open;
    const { tick, stopping } = machine.state;
    const end = endOfTime(system.config.run.tickMs);
    if (Number.isSafeInteger(lastTick) && (stopping || (lastTick > tick && lastTick <= end))) return;
    const wanted = `a whole number above ${tick}, the tick that the run is at, and up to ${end} was wanted`;
    throw new EngineError('config-invalid', `Cannot run to tick ${lastTick}: ${wanted}`, {
      lastTick,
      tick,
      end,
    });
  }

  async #follow(options: RunOptions): Promise<boolean> {
    if (options.recorded === undefined) return false;
    const taker = { open: this.#open, calls: this.#calls, durable: this.#durable, ports: this.#ports };
    return this.#live.follow(await openFeed(options.recorded, options.ticks, taker), options);
  }

  async #end(reason: EndReason): Promise<RunSummary> {
    const { machine, record, pool, totals, inference } = this.#open;
    await this.#snapshots.close();
    this.#careful?.end();
    record.recorder.ended(machine.state.tick, reason, machine.digest);
    await this.#durable.close();
    record.directory.unlock();
    this.#ended = reason;
    this.#hostInputs.close('the run has ended');
    await inference?.close();
    await pool.close();
    return { ...totals.progress, reason, digest: this.digest, runDirectory: this.#runDirectory };
  }

  /** A run that fails stays as its record has it: it can be replayed and gone on with. */
  async #exclusive<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#refuseBusy(what);
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      await this.#fail();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  #refuseBusy(what: string): void {
    if (this.#ended !== undefined) throw new EngineError('run-failed', `Cannot ${what}: the run has ended`);
    if (this.#busy) throw new EngineError('run-failed', `Cannot ${what}: the run is busy with another call`);
  }

  async #fail(): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#ended = 'failed';
    try {
      this.#open.record.log.flush();
    } catch {
      // The storage is what failed, or fails too: the log stays as it is.
    }
    await this.#durable.abandon();
    // A snapshot that is being written is no one else's to disturb.
    await this.#snapshots.close().catch(() => {});
    this.#open.record.directory.unlock();
    this.#hostInputs.close('the run has failed');
    await this.#open.inference?.close();
    await this.#open.pool.close();
  }
}
