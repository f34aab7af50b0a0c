// Shared memory for snapshots: nobody's place is another's while it is leased, and what is kept follows what is needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SlabPool, slabBytes } from './slabs.ts';

test('places of leases that are not over never overlap', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 40 });
  const rounds = fc.array(fc.tuple(sizes, sizes), { minLength: 1, maxLength: 4 });
  const property = fc.property(rounds, (list) => {
    const pool = new SlabPool();
    for (const [one, two] of list) {
      const leases = [pool.lease(), pool.lease()];
      const places: Uint8Array[] = [];
      for (let i = 0; i < Math.max(one.length, two.length); i++) {
        if (one[i] !== undefined) places.push(leases[0]!.allocate(one[i]!));
        if (two[i] !== undefined) places.push(leases[1]!.allocate(two[i]!));
      }
      for (const [i, place] of places.entries()) place.fill(i + 1);
      for (const [i, place] of places.entries()) {
        assert.ok(place.every((byte) => byte === i + 1));
        assert.equal(place.byteOffset % 64, 0);
      }
      for (const lease of leases) lease.release();
    }
  });
  fc.assert(property, { numRuns: 25 });
});

test('what a lease gave back serves the next one', () => {
  const pool = new SlabPool();
  const [lease, next] = [pool.lease(), pool.lease()];
  const { buffer } = lease.allocate(10);
  lease.release();
  assert.equal(next.allocate(10).buffer, buffer);
});

function leaseOf(pool: SlabPool, slabs: number): void {
  const lease = pool.lease();
  for (let i = 0; i < slabs; i++) lease.allocate(slabBytes);
  lease.release();
}

test('after eight smaller leases as much is kept as those needed', () => {
  const pool = new SlabPool();
  leaseOf(pool, 5);
  for (let i = 0; i < 7; i++) leaseOf(pool, 2);
  assert.equal(pool.freeCount, 5);
  leaseOf(pool, 2);
  assert.equal(pool.freeCount, 2);
});

test('after eight leases of nothing nothing is kept', () => {
  const pool = new SlabPool();
  leaseOf(pool, 5);
  for (let i = 0; i < 8; i++) leaseOf(pool, 0);
  assert.equal(pool.freeCount, 0);
});

test('eight slabs are kept at most', () => {
  const pool = new SlabPool();
  leaseOf(pool, 10);
  assert.equal(pool.freeCount, 8);
});

test('where no snapshot is expected one slab is kept of which little was used', () => {
  const pool = new SlabPool();
  leaseOf(pool, 2);
  pool.clear();
  assert.equal(pool.freeCount, 0);
  const [one, two] = [pool.lease(), pool.lease()];
  const { buffer } = one.allocate(1000);
  two.allocate(1000);
  one.release();
  two.release();
  pool.clear();
  assert.equal(pool.freeCount, 1);
  leaseOf(pool, 1);
  pool.clear();
  assert.equal(pool.freeCount, 0, 'it is not little that was used of it once');
  assert.notEqual(pool.lease().allocate(1).buffer, buffer);
});

test('what was given up after a failure serves nobody again', () => {
  const pool = new SlabPool();
  const lease = pool.lease();
  const { buffer } = lease.allocate(10);
  lease.abandon();
  lease.release();
  assert.equal(pool.freeCount, 0);
  assert.notEqual(pool.lease().allocate(10).buffer, buffer);
  assert.throws(() => lease.allocate(10), /before it is over/);
});
