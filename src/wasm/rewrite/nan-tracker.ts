// Decides, function by function, where the bits of a NaN must be made canonical: as late as possible, and only
// where they could show. What it leaves out changes no bit that anything can see.

import {
  hasNoFloat,
  hiddenShape,
  isNeverNan,
  isNumberConstant,
  madeShape,
  passesBits,
  shape,
} from '../append/nan-opcodes.ts';
import { op } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import type { FunctionBody } from '../parse/parsed-module.ts';
import { LocalTypes } from './local-types.ts';
import { type OperandStack, unknownOperand } from './operand-stack.ts';

/**
 * The note of an operand that is no NaN, or whose bits are canonical. A note from 0 on is twice the number of the site
 * that its bits come from, and one more where its sign may have been changed since.
 */
export const cleanOperand = -2;
const signChanged = 1;

/** How much more what a loop repeats counts than what is around it. */
const loopWeight = 8;
const weightedLoopsMax = 6;

/**
 * A local that holds floats. As long as all that it is ever set to is arithmetic, it may hold a NaN of any bits, and
 * is made canonical where it is read and the bits could show. Where it is set to anything else, whose NaN keep their
 * bits, arithmetic is made canonical before it is set.
 */
interface FloatLocal {
  readonly index: number;
  shape: number;
  /** Whether it may hold bits that must stay as they are. */
  mixed: boolean;
  /** What it would cost to make it canonical where it is set, and where it is read. */
  setWeight: number;
  showWeight: number;
  /** Locals that are set to what this one holds. */
  copies: FloatLocal[];
}

/** A place in the code, behind an instruction, where the value on top of the stack may have to be made canonical. */
interface Site {
  shape: number;
  /** The local whose read this is, or undefined behind arithmetic. */
  readonly local: FloatLocal | undefined;
  wanted: boolean;
}

export interface Canonicalisation {
  readonly shape: number;
  /** The local that holds the same value, or -1. */
  readonly local: number;
}

const nothing = (): undefined => undefined;

export class NanTracker {
  #sites: Site[] = [];
  readonly #locals = new Map<number, FloatLocal>();
  #edges: { readonly site: Site; readonly local: FloatLocal }[] = [];
  readonly #stack: OperandStack;
  readonly #types = new LocalTypes();
  #paramCount = 0;
  /** Told of each site, in order; answered later by `resolve`. */
  readonly #placed: (site: number) => void;
  loopDepth = 0;

  constructor(stack: OperandStack, placed: (site: number) => void) {
    this.#stack = stack;
    this.#placed = placed;
  }

  /** Begins a function anew. */
  reset(type: FunctionType, body: FunctionBody): void {
    if (this.#sites.length > 0) this.#sites = [];
    if (this.#edges.length > 0) this.#edges = [];
    if (this.#locals.size > 0) this.#locals.clear();
    this.#types.reset(type, body);
    this.#paramCount = type.params.length;
    this.loopDepth = 0;
  }

  #weight(): number {
    return loopWeight ** Math.min(this.loopDepth, weightedLoopsMax);
  }

  #site(shapeMade: number, local?: FloatLocal): number {
    this.#placed(this.#sites.length);
    return (this.#sites.push({ shape: shapeMade, local, wanted: false }) - 1) * 2;
  }

  /** Whether a local is of a type that can be a NaN. */
  holdsFloat(index: number): boolean {
    const type = this.#types.of(index);
    return type === valueType.f32 || type === valueType.f64 || type === valueType.v128;
  }

  #local(index: number): FloatLocal | undefined {
    if (!this.holdsFloat(index)) return undefined;
    const known = this.#locals.get(index);
    if (known !== undefined) return known;
    const type = this.#types.of(index);
    const local: FloatLocal = {
      index,
      shape: type === valueType.f32 ? shape.f32 : type === valueType.f64 ? shape.f64 : shape.none,
      // Parameters come from outside with bits of their own.
      mixed: index < this.#paramCount,
      setWeight: 0,
      showWeight: 0,
      copies: [],
    };
    this.#locals.set(index, local);
    return local;
  }

  /** The bits of an operand show: whatever made it must make it canonical. */
  #show(note: number): void {
    if (note < 0) return;
    const site = this.#sites[note >> 1]!;
    if (site.wanted && site.local === undefined) return;
    site.wanted = true;
    if (site.local !== undefined) site.local.showWeight += this.#weight();
  }

  /** The bits of the topmost operands show. */
  showTop(count: number): void {
    const { height, notes } = this.#stack;
    for (let at = Math.max(0, height - count); at < height; at++) this.#show(notes[at]!);
  }

  /** The bits of operands show that an instruction took just now. */
  showTaken(count: number): void {
    const { height, notes } = this.#stack;
    for (let at = height; at < height + count; at++) this.#show(notes[at]!);
  }

  /** Looks at operands that an instruction took just now, and answers the note of its result. It ends at `end`. */
  step(code: number, first: number, taken: number, bytes: Uint8Array, end: number): number {
    if (hasNoFloat(code)) return unknownOperand;
    const { height, notes } = this.#stack;
    switch (code) {
      case op.drop:
        return unknownOperand;
      case op.localGet:
        return this.#get(first);
      case op.localSet:
      case op.localTee:
        return this.#set(first, notes[height]!);
      case op.select:
      case op.selectTyped:
        return this.#select(notes[height]!, notes[height + 1]!);
    }
    if (passesBits(code)) {
      if (taken === 2) this.#show(notes[height + 1]!);
      const passed = notes[height]!;
      return passed < 0 ? passed : passed | signChanged;
    }
    const hidden = hiddenShape(code);
    for (let at = height; at < height + taken; at++) {
      if (notes[at]! < 0) continue;
      if (hidden === shape.none || !this.#fits(this.#sites[notes[at]! >> 1]!, hidden)) this.#show(notes[at]!);
    }
    const made = madeShape(code);
    if (made !== shape.none) return this.#site(made);
    return (taken === 0 && isNumberConstant(code, bytes, end)) || isNeverNan(code)
      ? cleanOperand
      : unknownOperand;
  }

  /** Whether a value is of a shape; a local that never had one takes it. */
  #fits(site: Site, wanted: number): boolean {
    const { local } = site;
    if (local === undefined) return site.shape === wanted;
    if (local.shape === shape.none) local.shape = wanted;
    return local.shape === wanted;
  }

  #get(index: number): number {
    const local = this.#local(index);
    return local === undefined || local.mixed ? unknownOperand : this.#site(shape.none, local);
  }

  #set(index: number, note: number): number {
    const local = this.#local(index);
    if (local === undefined || note === cleanOperand) return note;
    if (note === unknownOperand || (note & signChanged) !== 0) {
      // The sign must stay as it is, so what it was taken from must be canonical already.
      this.#show(note);
      local.mixed = true;
      return note;
    }
    const site = this.#sites[note >> 1]!;
    if (site.local === undefined) {
      if (!this.#fits({ shape: local.shape, local, wanted: false }, site.shape)) local.mixed = true;
      local.setWeight += this.#weight();
    } else {
      site.local.copies.push(local);
    }
    this.#edges.push({ site, local });
    return note;
  }

  #select(a: number, b: number): number {
    if (a === b) return a;
    if (a === cleanOperand && b !== unknownOperand) return b;
    if (b === cleanOperand && a !== unknownOperand) return a;
    this.#show(a);
    this.#show(b);
    return unknownOperand;
  }

  /** Call it once, at the end of the function: what to do at each site, undefined for nothing. */
  resolve(): (site: number) => Canonicalisation | undefined {
    const sites = this.#sites;
    // Most functions have no floats.
    if (sites.length === 0) return nothing;
    this.#spreadMixed();
    for (const { site, local } of this.#edges) if (!isLate(local)) site.wanted = true;
    return (number) => {
      const { wanted, local, shape: made } = sites[number]!;
      if (!wanted) return undefined;
      if (local === undefined) return { shape: made, local: -1 };
      return isLate(local) && local.shape !== shape.none
        ? { shape: local.shape, local: local.index }
        : undefined;
    };
  }

  /** What is set to a local of mixed bits, or of another shape, is mixed too. */
  #spreadMixed(): void {
    const mixed: FloatLocal[] = [];
    for (const local of this.#locals.values()) {
      for (const copy of local.copies) if (copy.shape !== local.shape) copy.mixed = true;
    }
    for (const local of this.#locals.values()) if (local.mixed) mixed.push(local);
    for (let local = mixed.pop(); local !== undefined; local = mixed.pop()) {
      for (const copy of local.copies) {
        if (copy.mixed) continue;
        copy.mixed = true;
        mixed.push(copy);
      }
    }
  }
}

/** Whether a local is made canonical where it is read. */
function isLate(local: FloatLocal): boolean {
  return !local.mixed && local.showWeight <= local.setWeight;
}
