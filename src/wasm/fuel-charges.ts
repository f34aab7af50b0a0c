// Where one function's code charges fuel and where it tests it. A block is charged at its head; charges are merged
// where nothing between them can see the fuel, so that every test, flush and total stays what the blocks alone give.
import { loopIterationCostMin } from './cost-table.ts';

/** The number of the charge at the function's entry. */
export const entryCharge = 0;

/** What a test is about while the block that it stands before is still read. */
const unknownCost = -1;

/** What is subtracted at one place. */
export interface Charge {
  total: number;
  /** Of the total, what the test at this place is about; undefined where there is none. */
  tested: number | undefined;
  /** The label to leave by without fuel, as seen from here. */
  label: number;
  /** At a loop's head: whether all ways there have subtracted the total already, so that only the test is left. */
  paid: boolean;
}

/** A construct of the code, as far as charges are concerned. */
interface Region {
  /** The charge of the block before it. */
  readonly before: number;
  /** For a loop: the charge of its head, and of each block that goes back to it. */
  readonly head: number | undefined;
  readonly back: { readonly charge: number; readonly refund: number | undefined }[];
  /** Whether all ways back can subtract what the head costs. */
  mergeable: boolean;
  /** Whether something within looks at the fuel: a test, or a flush. */
  seen: boolean;
  /** The outermost construct that a branch within leaves to, by its place on the stack. */
  leavesTo: number;
}

const isFunction: Region = {
  before: entryCharge,
  head: undefined,
  back: [],
  mergeable: false,
  seen: false,
  leavesTo: 0,
};

export class FuelCharges {
  #charges: Charge[] = [];
  readonly #regions: Region[] = [];
  /** Told of each charge, in the order of places. */
  readonly #placed: (charge: number) => void;
  /** The charge of the block at work. */
  #current = entryCharge;
  /** What the block at work costs, as far as it is read. */
  cost = 0;

  constructor(placed: (charge: number) => void) {
    this.#placed = placed;
  }

  /** Begins a function anew. */
  reset(entryCost: number): void {
    this.#charges = [{ total: 0, tested: unknownCost, label: 0, paid: false }];
    this.#regions.length = 0;
    this.#regions.push({ ...isFunction });
    this.#current = entryCharge;
    this.cost = entryCost;
  }

  at(charge: number): Charge {
    return this.#charges[charge]!;
  }

  /** Ends the block at work; what follows belongs to another one, which `next` or `resume` begins. */
  #end(): void {
    const charge = this.#charges[this.#current]!;
    // The first block of a tested charge is what its test is about.
    if (charge.tested === unknownCost) {
      if (this.#current !== entryCharge) this.cost = Math.max(this.cost, loopIterationCostMin);
      charge.tested = this.cost;
    }
    charge.total += this.cost;
    this.cost = 0;
  }

  /** Begins a block here. */
  #next(tested: number | undefined, label = 0): number {
    this.#current = this.#charges.push({ total: 0, tested, label, paid: false }) - 1;
    this.#placed(this.#current);
    return this.#current;
  }

  /** Ends the block at work and begins another one behind the instruction that was read. */
  next(): void {
    this.#end();
    this.#next(undefined);
  }

  /** Something looks at the fuel, which ends the block. */
  see(): void {
    this.#regions[this.#regions.length - 1]!.seen = true;
    this.next();
  }

  /** A block, or an if. `live` says whether it can be reached; of what cannot, nothing is charged. */
  open(kind: 'block' | 'if', live: boolean): void {
    if (live && kind === 'if') this.#end();
    this.#regions.push({ ...isFunction, back: [], before: this.#current, leavesTo: this.#regions.length });
    if (live && kind === 'if') this.#next(undefined);
  }

  openLoop(live: boolean, label: number): void {
    if (live) this.#end();
    const before = this.#current;
    const head = live ? this.#next(unknownCost, label) : undefined;
    this.#regions.push({
      before,
      head,
      back: [],
      mergeable: live,
      seen: true,
      leavesTo: this.#regions.length,
    });
  }

  /** The innermost construct has ended; `live` says whether what follows can be reached. */
  close(live: boolean): void {
    this.#end();
    const place = this.#regions.length - 1;
    const region = this.#regions.pop()!;
    const outer = this.#regions[place - 1];
    if (outer === undefined) return;
    if (region.seen) outer.seen = true;
    if (region.leavesTo < outer.leavesTo) outer.leavesTo = region.leavesTo;
    if (region.head !== undefined) this.#merge(region, region.head);
    // Whoever came in comes out here, and nobody looked: this is one block with what was before.
    if (live && !region.seen && region.leavesTo >= place) this.#current = region.before;
    else this.#next(undefined);
  }

  /** A branch to a label; `conditional` where the code behind it may be reached. */
  branch(label: number, conditional: boolean): void {
    const target = this.#leave(label);
    const charge = this.#current;
    this.next();
    if (target?.head === undefined) return;
    // A loop's head may come to subtract nothing, the target's own or that of a loop within it: it pays for no other.
    if (this.#charges[charge]!.tested !== undefined) target.mergeable = false;
    target.back.push({ charge, refund: conditional ? this.#current : undefined });
  }

  /** A branch to one of several labels. What a loop's head costs cannot be subtracted on only one of the ways. */
  branchTable(labels: readonly number[]): void {
    for (const label of labels) {
      const target = this.#leave(label);
      if (target !== undefined) target.mergeable = false;
    }
    this.next();
  }

  /** A return. */
  leave(): void {
    this.#leave(this.#regions.length - 1);
    this.next();
  }

  #leave(label: number): Region | undefined {
    const to = Math.max(0, this.#regions.length - 1 - label);
    const region = this.#regions[this.#regions.length - 1]!;
    if (to < region.leavesTo) region.leavesTo = to;
    return this.#regions[to];
  }

  /** All ways to a loop's head subtract what the head costs, where each of them can. */
  #merge(region: Region, head: number): void {
    const charge = this.#charges[head]!;
    if (!region.mergeable || region.back.length === 0) return;
    charge.paid = true;
    this.#charges[region.before]!.total += charge.total;
    for (const { charge: from, refund } of region.back) {
      this.#charges[from]!.total += charge.total;
      if (refund !== undefined) this.#charges[refund]!.total -= charge.total;
    }
  }
}
