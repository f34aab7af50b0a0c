// Mistakes in what lies on the disk, in what is promised of it, and in what others make of it.

import type { PlantedBug } from './plant.ts';

export const record: readonly PlantedBug[] = [
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

export const run: readonly PlantedBug[] = [
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
    name: 'outputs leave in mode "none" before they are written',
    file: 'src/engine/record/durable-log.ts',
    find: '    if (this.#outputs.length === 0) return;\n    this.log.flush();\n',
    replace: '    if (this.#outputs.length === 0) return;\n',
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

export const wholeRuns: readonly PlantedBug[] = [
  {
    name: 'a fork is a run before it has what it begins from',
    file: 'src/engine/record/open-record.ts',
    find: '  try {\n    await beginning?.writeBase(directory);\n',
    replace: '  commit();\n  try {\n    await beginning?.writeBase(directory);\n',
  },
  {
    name: 'a repair leaves the segments behind the damage where they are',
    file: 'src/log/repair/repair-log.ts',
    find: 'files.filter(({ file }) => file > segmentName(end.segment)).toReversed()',
    replace: 'files.filter(({ file }) => file < segmentName(end.segment)).toReversed()',
  },
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
