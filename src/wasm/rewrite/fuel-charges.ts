// Where one function's code charges fuel and where it tests it. A block is charged at its head; charges are merged
// where nothing between them can see the fuel, so that every test, flush and total stays what the blocks alone give.
import { loopIterationCostMin } from '../binary/cost-table.ts';

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
  before: number;
  /** For a loop: the charge of its head, else `none`. */
  head: number;
  /** Two numbers for each block that goes back there: its charge, and that of the block behind the branch or `none`. */
  readonly back: number[];
  /** Whether all ways back can subtract what the head costs. */
  mergeable: boolean;
  /** Whether something within looks at the fuel: a test, or a flush. */
  seen: boolean;
  /** The outermost construct that a branch within leaves to, by its place on the stack. */
  leavesTo: number;
}

const none = -1;

export class FuelCharges {
  /** Charges of the function at work, then those of earlier ones, to be used again; the same of open regions. */
  readonly #charges: Charge[] = [];
  #chargeCount = 0;
  readonly #regions: Region[] = [];
  #depth = 0;
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
    this.#chargeCount = 0;
    this.#depth = 0;
    this.#current = this.#charge(unknownCost, 0);
    this.#enter(entryCharge, none, false);
    this.cost = entryCost;
  }

  #charge(tested: number | undefined, label: number): number {
    const charge = this.#charges[this.#chargeCount];
    if (charge === undefined) this.#charges.push({ total: 0, tested, label, paid: false });
    else {
      charge.total = 0;
      charge.tested = tested;
      charge.label = label;
      charge.paid = false;
    }
    return this.#chargeCount++;
  }

  #enter(before: number, head: number, seen: boolean): void {
    const leavesTo = this.#depth++;
    const region = this.#regions[leavesTo];
    const mergeable = head !== none;
    if (region === undefined) this.#regions.push({ before, head, back: [], mergeable, seen, leavesTo });
    else {
      region.before = before;
      region.head = head;
      region.back.length = 0;
      region.mergeable = mergeable;
      region.seen = seen;
      region.leavesTo = leavesTo;
    }
  }

  #innermost(): Region {
    return this.#regions[this.#depth - 1]!;
  }

  /** Valid until the next function begins. */
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
    this.#current = this.#charge(tested, label);
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
    this.#innermost().seen = true;
    this.next();
  }

  /** A block, or an if. `live` says whether it can be reached; of what cannot, nothing is charged. */
  open(kind: 'block' | 'if', live: boolean): void {
    if (live && kind === 'if') this.#end();
    this.#enter(this.#current, none, false);
    if (live && kind === 'if') this.#next(undefined);
  }

  openLoop(live: boolean, label: number): void {
    if (live) this.#end();
    const before = this.#current;
    this.#enter(before, live ? this.#next(unknownCost, label) : none, true);
  }

  /** The innermost construct has ended; `live` says whether what follows can be reached. */
  close(live: boolean): void {
    this.#end();
    const region = this.#innermost();
    const place = --this.#depth;
    if (place === 0) return;
    const outer = this.#innermost();
    if (region.seen) outer.seen = true;
    if (region.leavesTo < outer.leavesTo) outer.leavesTo = region.leavesTo;
    if (region.head !== none) this.#merge(region);
    // Whoever came in comes out here, and nobody looked: this is one block with what was before.
    if (live && !region.seen && region.leavesTo >= place) this.#current = region.before;
    else this.#next(undefined);
  }

  /** A branch to a label; `conditional` where the code behind it may be reached. */
  branch(label: number, conditional: boolean): void {
    const target = this.#leave(label);
    const charge = this.#current;
    this.next();
    if (target.head === none) return;
    // A loop's head may come to subtract nothing, the target's own or that of a loop within it: it pays for no other.
    if (this.#charges[charge]!.tested !== undefined) target.mergeable = false;
    target.back.push(charge, conditional ? this.#current : none);
  }

  /** A branch to one of several labels. What a loop's head costs cannot be subtracted on only one of the ways. */
  branchTable(labels: readonly number[]): void {
    for (const label of labels) this.#leave(label).mergeable = false;
    this.next();
  }

  /** A return. */
  leave(): void {
    this.#leave(this.#depth - 1);
    this.next();
  }

  #leave(label: number): Region {
    const to = Math.max(0, this.#depth - 1 - label);
    const region = this.#innermost();
    if (to < region.leavesTo) region.leavesTo = to;
    return this.#regions[to]!;
  }

  /** All ways to a loop's head subtract what the head costs, where each of them can. */
  #merge({ head, back, before, mergeable }: Region): void {
    if (!mergeable || back.length === 0) return;
    const charge = this.#charges[head]!;
    charge.paid = true;
    this.#charges[before]!.total += charge.total;
    for (let at = 0; at < back.length; at += 2) {
      this.#charges[back[at]!]!.total += charge.total;
      const refund = back[at + 1]!;
      if (refund !== none) this.#charges[refund]!.total -= charge.total;
    }
  }
}
