// Mistakes in what a run is made of: its state, its executors, its models.

import type { PlantedBug } from './plant.ts';

export const state: readonly PlantedBug[] = [
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
    find: '      if (bytesEqual(sha256(kept), entry.sha256)) return fitting(kept);\n',
    replace: '      return fitting(kept);\n',
  },
];

export const executors: readonly PlantedBug[] = [
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
    also: { find: 'this.#freeCount -= memories.length;', replace: 'this.#free.set(key, memories);' },
  },
  {
    name: 'a memory that is used again is not zeroed',
    file: 'src/sandbox/memory-image.ts',
    find: '  if (!isClean) target.fill(0);\n',
    replace: '',
  },
];

export const models: readonly PlantedBug[] = [
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
