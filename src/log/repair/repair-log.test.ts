// What a log is made of when parts of it are wrong: the part before that, and what can still be told of the rest.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { concatBytes } from '../../base/encoding.ts';
import type { RunDirectory } from '../run-directory.ts';
import { readAll, sampleEvents, sampleLog } from '../test-sample.ts';
import type { MemoryStorage } from '../test-storage.ts';
import { planLogRepair, repairLog } from './repair-log.ts';
import { salvage } from './salvage.ts';
import { surveyLog } from './survey.ts';

const ticks = 12;

function segmentedLog(): { storage: MemoryStorage; directory: RunDirectory; names: string[] } {
  const { storage, directory } = sampleLog(ticks, { segmentBytesMax: 9000 });
  const names = [...storage.files.keys()].filter((name) => name.startsWith('events-'));
  assert.ok(names.length >= 3);
  return { storage, directory, names };
}

function damage(storage: MemoryStorage, name: string, at: number): void {
  const bytes = storage.files.get(name)!;
  bytes[at]! ^= 1;
}

const magicBytes = 8;
const chunkOpcode = 0x06;

/** Where the first chunk of a segment ends: with less of it whole there is no event to keep. */
function firstChunkEnd(segment: Uint8Array): number {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  let at = magicBytes;
  for (;;) {
    const end = at + 9 + Number(view.getBigUint64(at + 1, true));
    if (view.getUint8(at) === chunkOpcode) return end;
    at = end;
  }
}

describe('repair of a log', () => {
  it('has nothing to do where a reader is content', () => {
    const { directory } = segmentedLog();
    assert.equal(planLogRepair(directory), undefined);
    const { end, lastTick } = surveyLog(directory);
    assert.deepEqual([end.complete, lastTick], [true, ticks - 1]);
  });

  it('keeps every event before a changed byte, wherever it is, and nothing behind it', () => {
    const all = sampleEvents(ticks);
    const { names, storage: undamaged } = segmentedLog();
    const firstEvents = firstChunkEnd(undamaged.files.get(names[0]!)!);
    for (const [number, name] of names.entries()) {
      for (let step = 0; step < 40; step++) {
        const { storage, directory } = segmentedLog();
        const { length } = storage.files.get(name)!;
        const at = Math.floor((length * step) / 40);
        damage(storage, name, at);
        if (number === 0 && at < firstEvents) continue;
        const plan = planLogRepair(directory);
        assert.ok(plan !== undefined, `byte ${at} of ${name}`);
        assert.equal(plan.damage.details.file, name);
        repairLog(directory, plan);
        const { events, complete } = readAll(directory);
        assert.equal(complete, true);
        assert.deepEqual(events, all.slice(0, events.length));
        const kept = [...storage.files.keys()].filter((file) => /given-up|torn/.test(file));
        assert.equal(kept.length, plan.files.length);
      }
    }
  });

  it('is done again from whatever point it was interrupted at', () => {
    const whole = segmentedLog();
    damage(whole.storage, whole.names[1]!, 5000);
    const before = whole.storage.calls.length;
    repairLog(whole.directory, planLogRepair(whole.directory)!);
    const expected = readAll(whole.directory);
    const calls = whole.storage.calls.length - before;
    for (let failing = 0; failing < calls; failing++) {
      const { storage, directory, names } = segmentedLog();
      damage(storage, names[1]!, 5000);
      storage.failAt = storage.calls.length + failing;
      assert.throws(() => repairLog(directory, planLogRepair(directory)!), { code: 'host-fault' });
      storage.failAt = Number.POSITIVE_INFINITY;
      const plan = planLogRepair(directory);
      if (plan !== undefined) repairLog(directory, plan);
      assert.deepEqual(readAll(directory), expected, `after ${storage.calls[storage.calls.length - 1]}`);
    }
  });

  it('makes durable what it keeps before it says so: nobody knows what was synced where the head record is lost', () => {
    const { storage, directory, names } = segmentedLog();
    const last = names.at(-1)!;
    const before = storage.files.get(last)!.slice();
    storage.files.get('head')!.fill(7);
    const plan = planLogRepair(directory)!;
    assert.deepEqual([plan.head, plan.end.complete], [undefined, true]);
    storage.calls.length = 0;
    repairLog(directory, plan);
    const written = storage.calls.indexOf(`write ${last}`);
    const synced = storage.calls.indexOf(`sync ${last}`);
    assert.ok(written >= 0 && synced > written, String(storage.calls));
    assert.ok(storage.calls.lastIndexOf('rename head.tmp head') > synced);
    assert.deepEqual(storage.files.get(last), before);
  });

  it('counts what can still be read of any bytes', () => {
    const { storage } = sampleLog(3);
    const bytes = storage.files.get('events-000000.mcap')!;
    const all = salvage(bytes);
    assert.deepEqual([all.inputs, all.outputs, all.lastTick], [6, 3, 2]);
    const around = concatBytes([new Uint8Array(77).fill(6), bytes, Uint8Array.of(6, 0, 6)]);
    assert.deepEqual(salvage(around), all);
    const middle = bytes.indexOf(6, Math.floor(bytes.length / 2));
    const part = salvage(bytes.slice(middle + 1));
    assert.ok(part.events < all.events && part.events > 0);
    for (let at = 0; at < bytes.length; at += 11) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      assert.ok(salvage(changed).events <= all.events);
    }
  });
});
