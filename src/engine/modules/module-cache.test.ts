import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSystem } from '../config/index.ts';
import { counting } from '../testing/create-run.ts';
import { ModuleCache, type PreparedModule } from './module-cache.ts';
import { prepareModules } from './prepare-modules.ts';

/** A maker that counts how often it is asked. */
function maker() {
  let made = 0;
  const make = async (): Promise<PreparedModule> => ({ hash: `made ${++made}` }) as PreparedModule;
  return { make, count: () => made };
}

test('get() makes a module once for the same hash and bytes, at once too', async () => {
  const cache = new ModuleCache(100);
  const { make, count } = maker();
  const [a, b] = await Promise.all([
    cache.get('h', Uint8Array.of(1), make),
    cache.get('h', Uint8Array.of(1), make),
  ]);
  assert.equal(a, b);
  assert.equal(await cache.get('h', Uint8Array.of(1), make), a);
  assert.equal(count(), 1);
});

test('get() never answers for other bytes that go by the same hash', async () => {
  const cache = new ModuleCache(100);
  const { make } = maker();
  const first = await cache.get('h', Uint8Array.of(1), make);
  const second = await cache.get('h', Uint8Array.of(2), make);
  assert.notEqual(first, second);
  assert.equal(await cache.get('h', Uint8Array.of(2), make), second);
});

test('get() keeps no refusal', async () => {
  const cache = new ModuleCache(100);
  const refused = () => Promise.reject(new Error('refused'));
  await assert.rejects(cache.get('h', Uint8Array.of(1), refused), /refused/);
  await assert.rejects(cache.get('h', Uint8Array.of(1), refused), /refused/);
  const { make, count } = maker();
  await cache.get('h', Uint8Array.of(1), make);
  assert.equal(count(), 1);
});

test('get() drops the least recently used beyond its size, and keeps nothing that is larger', async () => {
  const cache = new ModuleCache(10);
  const { make, count } = maker();
  const sized = (name: string, size: number) => cache.get(name, new Uint8Array(size), make);
  await sized('a', 4);
  await sized('b', 4);
  await sized('a', 4);
  await sized('c', 4);
  assert.equal(count(), 3);
  await sized('a', 4);
  assert.equal(count(), 3);
  await sized('b', 4);
  assert.equal(count(), 4);
  await sized('large', 11);
  await sized('large', 11);
  assert.equal(count(), 6);
});

test('prepareModules() gives two runs of the same module one compiled module', async () => {
  const prepare = async () => {
    const { config, modules } = await createSystem({ agents: { a: counting, b: counting } });
    return prepareModules(config, modules);
  };
  const [first, second] = [await prepare(), await prepare()];
  assert.equal(first.list.length, 1);
  assert.equal(first.list[0]!.compiled, second.list[0]!.compiled);
});
