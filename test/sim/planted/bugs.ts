// Deliberate mistakes, each a small change of the source, that the simulator must find. `find` is a text that stands
// once in the file; where it is gone, whoever changed the code says here how the same mistake looks now.

export interface Replacement {
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug extends Replacement {
  readonly name: string;
  readonly file: string;
  /** A second replacement in the same file. */
  readonly also?: Replacement;
}

/** The file with the mistake in it; undefined where a text does not stand there exactly once. */
export function plant(bug: PlantedBug, text: string): string | undefined {
  let planted = text;
  for (const { find, replace } of bug.also === undefined ? [bug] : [bug, bug.also]) {
    if (planted.split(find).length !== 2) return undefined;
    planted = planted.replace(find, () => replace);
  }
  return planted;
}

const record: readonly PlantedBug[] = [
  {
    name: 'the log is not synced',
    file: 'src/log/event-log-writer.ts',
    find: '    this.#segment?.sync();\n',
    replace: '',
  },
  {
    name: 'a batch of the log is not synced',
    file: 'src/log/event-log-writer.ts',
    find: '      await this.#segment?.beginSync();\n',
    replace: '',
  },
  {
    name: 'the head record is not written',
    file: 'src/log/event-log-writer.ts',
    find: '    if (this.#reach !== undefined) this.#head.write(this.#epoch, this.#reach);\n',
    replace: '',
  },
  {
    name: 'the head record is written before the log is synced',
    file: 'src/log/event-log-writer.ts',
    find: '      if (reach !== undefined) await this.#head.beginWrite(this.#epoch, reach);\n',
    replace: '',
    also: {
      find: '      await this.#segment?.beginSync();\n',
      replace:
        '      if (reach !== undefined) await this.#head.beginWrite(this.#epoch, reach);\n' +
        '      await this.#segment?.beginSync();\n',
    },
  },
  {
    name: 'the folder is not synced after a segment was begun',
    file: 'src/log/event-log-writer.ts',
    find: "    onStorage(storage, 'events', 'sync the folder of', () => storage.syncFolder(''));\n",
    replace: '',
  },
  {
    name: 'a short write is not continued',
    file: 'src/log/files.ts',
    find: '      while (done < bytes.length) {\n',
    replace: '      if (done < bytes.length) {\n',
  },
  {
    name: 'a file is renamed before it is synced',
    file: 'src/log/files.ts',
    find: '    file.write(bytes);\n    file.sync();\n',
    replace: '    file.write(bytes);\n',
  },
  {
    name: 'the folder of a renamed file is not synced',
    file: 'src/log/files.ts',
    find: "  onStorage(storage, name, 'sync the folder of', () => storage.syncFolder(folder));\n",
    replace: '',
  },
  {
    name: 'what a record will begin from is not made durable before',
    file: 'src/engine/compact/compact-run.ts',
    find: '    store.syncFolder();\n',
    replace: '',
  },
  {
    name: 'the older slot of the head record is written over while the newer one may not be durable',
    file: 'src/log/head-record.ts',
    find: '      putSlot(handle, this.#last);\n      handle.sync();\n',
    replace: '',
  },
  {
    name: 'a recovery does not write down how far it has made the log durable',
    file: 'src/engine/record/open-record.ts',
    find: '  noteDurable(directory, whole);\n',
    replace: '',
  },
  {
    name: 'what a recovery reads is believed without making it durable',
    file: 'src/engine/record/open-record.ts',
    find: '  makeTailDurable(directory, end);\n',
    replace: '',
  },
  {
    name: 'a torn tail is not cut',
    file: 'src/log/tail.ts',
    find: "    if (end.offset > 0) onStorage(storage, name, 'truncate', () => storage.truncate(name, end.offset));\n",
    replace: '',
  },
  {
    name: 'a torn tail is cut too far',
    file: 'src/log/tail.ts',
    find: 'storage.truncate(name, end.offset)',
    replace: 'storage.truncate(name, end.offset - 1)',
  },
  {
    name: 'a log that ends before the head record says is believed',
    file: 'src/log/event-log-reader.ts',
    find: '    this.#checkReached(head, position);\n',
    replace: '',
  },
];

const run: readonly PlantedBug[] = [
  {
    name: 'outputs are given and inputs acknowledged before the tick is durable',
    file: 'src/engine/record/durable-log.ts',
    find: '    this.log.sync();\n    this.#ticks = 0;\n',
    replace: '    this.#release();\n    this.log.sync();\n    this.#ticks = 0;\n',
  },
  {
    name: 'inputs are acknowledged when their batch begins to be synced',
    file: 'src/engine/record/durable-log.ts',
    find: '    this.#syncing = this.#sync(outputs, this.#options.inputs.executedCount);\n',
    replace:
      '    this.#options.inputs.markDurable(this.#options.inputs.executedCount);\n' +
      '    this.#syncing = this.#sync(outputs, this.#options.inputs.executedCount);\n',
  },
  {
    name: 'outputs leave when their batch begins to be synced',
    file: 'src/engine/record/durable-log.ts',
    find: '      await this.log.beginSync();\n      this.#syncing = undefined;\n',
    replace:
      '      for (const output of outputs) this.#options.sink?.write(output);\n' +
      '      await this.log.beginSync();\n' +
      '      outputs = [];\n' +
      '      this.#syncing = undefined;\n',
  },
  {
    name: 'the epoch is not raised',
    file: 'src/engine/live/open-run.ts',
    find: 'recorded.epoch + 1',
    replace: 'recorded.epoch',
  },
  {
    name: 'outputs that did not leave before a crash are not given again',
    file: 'src/engine/live/open-run.ts',
    find: 'if (outputsAfter !== undefined && isBehind(output, outputsAfter))',
    replace: 'if (outputsAfter === undefined)',
  },
  {
    name: 'inputs that were sealed are not executed after a recovery',
    file: 'src/engine/live/orchestrator.ts',
    find: '    const sealed = open.recorded?.sealed;\n',
    replace: '    const sealed = undefined;\n',
  },
  {
    name: 'the cursor of the input is one byte too far',
    file: 'src/engine/input/line-inputs.ts',
    find: 'return { source: name, ...cursor, badLines',
    replace: 'return { source: name, ...cursor, byte: cursor.byte + 1, badLines',
  },
  {
    name: 'the cursor of the input is recorded only with inputs',
    file: 'src/engine/record/recorder.ts',
    find: '    if (inputs.length === 0 && cursor === undefined && !always) return;\n',
    replace: '    if (inputs.length === 0 && !always) return;\n',
  },
];

const state: readonly PlantedBug[] = [
  {
    name: 'the random stream is not in the snapshot',
    file: 'src/sandbox/instance-state.ts',
    find: '  state.set(instance.prng);\n',
    replace: '',
  },
  {
    name: 'the inbox buffer is forgotten when an agent moves',
    file: 'src/sandbox/instance-state.ts',
    find: '  instance.inboxPointer = state[4]!;\n  instance.inboxBytes = state[5]!;\n',
    replace: '',
  },
  {
    name: 'the number of the next timer is not restored',
    file: 'src/sandbox/instance-state.ts',
    find: '  instance.nextTimer = state[6]!;\n',
    replace: '',
  },
  {
    name: 'timers are not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    timers,\n    outbox',
    replace: '    timers: [],\n    outbox',
  },
  {
    name: 'the order of the mailbox is lost in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    sequence: saved.sequence,\n    priority',
    replace: '    sequence: -saved.sequence,\n    priority',
  },
  {
    name: 'priorities are lost in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    priority: saved.priority,\n',
    replace: '    priority: 0,\n',
  },
  {
    name: 'subscribers come back in another order',
    file: 'src/scheduler/saved-state.ts',
    find: '      subscribers: [...subscribers].map',
    replace: '      subscribers: [...subscribers].reverse().map',
  },
  {
    name: 'inputs that wait for a receiver are not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    waitingInputs: state.waitingInputs,\n',
    replace: '    waitingInputs: [],\n',
  },
  {
    name: 'effects that wait are not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    outbox: (agent.outbox ?? []).map',
    replace: '    outbox: [].map',
  },
  {
    name: 'agents that hibernate are not in the snapshot',
    file: 'src/engine/turns/turn-runner.ts',
    find: '    agents.push(...imagesOf(hibernated).filter(({ number }) => !isSame(number)));\n',
    replace: '',
  },
  {
    name: 'an agent that has run since the last snapshot counts as unchanged',
    file: 'src/engine/turns/turn-runner.ts',
    find: 'this.#residency.lastTickOf(number) <= since!',
    replace: 'this.#residency.lastTickOf(number) <= since! + 1',
  },
  {
    name: 'restart images are not in the snapshot',
    file: 'src/engine/turns/machine.ts',
    find: '    const { images } = this.#turns;\n',
    replace: '    const images: AgentImage[] = [];\n',
  },
  {
    name: 'how often an agent was restarted is not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '  agent.incarnation = saved.incarnation;\n',
    replace: '',
  },
  {
    name: 'a paused agent is not paused any more after a recovery',
    file: 'src/scheduler/saved-state.ts',
    find: '  agent.paused = saved.paused;\n',
    replace: '',
  },
  {
    name: 'an agent in back-off starts at once after a recovery',
    file: 'src/scheduler/saved-state.ts',
    find: 'dueTick: saved.restartTick, agent',
    replace: 'dueTick: saved.restartTick - 1, agent',
  },
  {
    name: 'a page of a snapshot is not compared with its hash',
    file: 'src/engine/snapshot/page-reader.ts',
    find: '      if (bytesEqual(sha256(kept), entry.sha256))\n',
    replace: '',
  },
];

const executors: readonly PlantedBug[] = [
  {
    name: 'effects are applied in the order of executors',
    file: 'src/scheduler/commit.ts',
    find: '  for (let i = 0; i < plan.length; i++) {\n    if (records.offset[i]! < 0) continue;\n',
    replace:
      '  const order = plan.map((_, i) => i).sort((a, b) => records.buffer[a]! - records.buffer[b]! || a - b);\n' +
      '  for (const i of order) {\n' +
      '    if (records.offset[i]! < 0) continue;\n',
  },
  {
    name: 'answers that the next run overwrites are not copied',
    file: 'src/engine/turns/executors.ts',
    find: '{ words: result.words.slice(0, result.used), used: result.used },\n    );',
    replace: '{ words: result.words, used: result.used },\n    );',
  },
  {
    name: 'an entry of the journal is dropped now and then',
    file: 'src/engine/turns/worker-journal.ts',
    find: '    this.entries.push({ memories: this.#memories, stream: copy });\n',
    replace:
      '    if (this.entries.length % 8 !== 7) this.entries.push({ memories: this.#memories, stream: copy });\n',
  },
  {
    name: 'an agent is missing in a checkpoint',
    file: 'src/engine/turns/worker-journal.ts',
    find: '    this.base = agents;\n',
    replace: '    this.base = agents.slice(1);\n',
  },
  {
    name: 'memories of a lost executor are used again',
    file: 'src/sandbox/memory-store.ts',
    find: 'if (held.executor === executor) this.#held.delete(agentNumber);',
    replace: 'if (held.executor === executor) this.release(agentNumber, true);',
    also: { find: 'this.#free.delete(key);', replace: 'void key;' },
  },
  {
    name: 'a memory that is used again is not zeroed',
    file: 'src/sandbox/memory-image.ts',
    find: '  if (!isClean) target.fill(0);\n',
    replace: '',
  },
];

const models: readonly PlantedBug[] = [
  {
    name: 'requests under way are not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: 'waiting.filter(({ model }) => model === index)',
    replace: 'waiting.filter(({ model }) => model === index && index < 0)',
  },
  {
    name: 'the version of a model in use is not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '    state.requests.models[model]!.version = version;\n',
    replace: '    void version;\n',
  },
  {
    name: 'the tokens of a text under way are not in the snapshot',
    file: 'src/scheduler/saved-state.ts',
    find: '{ part: piece - 1, tokens: [...tokens] }',
    replace: '{ part: piece - 1, tokens: tokens.slice(0, 0) }',
  },
  {
    name: 'compacting forgets answers that later inputs name',
    file: 'src/engine/compact/copy-log.ts',
    find: '      if (bytes === undefined || this.#own.find(sha256) !== undefined) continue;\n',
    replace: '      if (bytes === undefined || this.#own.find(sha256) === undefined) continue;\n',
  },
  {
    name: 'a portable model whose process died is not tried again',
    file: 'src/inference/model-host.ts',
    find: '        if (attempt < attemptsMax) continue;\n',
    replace: '',
  },
  {
    name: 'a sealed tick asks its models anew',
    file: 'src/engine/replay/re-execute.ts',
    find: '      if (tick > machine.state.tick)\n',
    replace:
      '      if (tick > machine.state.tick && list.inputs.every(({ kind }) => kind !== InputKind.answer))\n',
  },
];

const wholeRuns: readonly PlantedBug[] = [
  {
    name: 'an export leaves out the newest segment of the log',
    file: 'src/engine/export/export-run.ts',
    find: '.filter((number) => number <= end.segment)',
    replace: '.filter((number) => number < end.segment || number === 0)',
  },
  {
    name: 'a fork leaves out the first inputs behind its tick',
    file: 'src/engine/replay/recorded-ticks.ts',
    find: '      if (tick > after && inputs.length > 0)',
    replace: '      if (tick > after + 2 && inputs.length > 0)',
  },
];

export const plantedBugs: readonly PlantedBug[] = [
  ...record,
  ...run,
  ...state,
  ...executors,
  ...models,
  ...wholeRuns,
];
