// What instrumentation appends: types, functions, globals and exports, all after the module's own. Renumbers nothing.
import { type ByteSource, ByteWriter } from '../binary/byte-writer.ts';
import { op, prefixSimd } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import type { ExportKind, ParsedModule } from '../parse/parsed-module.ts';

export interface AddedFunction {
  readonly typeIndex: number;
  /** Locals and code, without the size. */
  readonly body: ByteSource;
}

export interface AddedGlobal {
  readonly type: number;
  /** The initial value, without the closing `end`. */
  readonly init: ByteWriter;
}

/** A passive segment that code drops. */
export interface DroppedSegment {
  readonly kind: 'data' | 'elements';
  readonly index: number;
  /** The global that holds what is left of it. */
  readonly size: number;
}

/** What instrumentation does besides giving access to state. All but for tests and measurements. */
export interface Protections {
  readonly fuel: boolean;
  readonly stack: boolean;
  readonly nan: boolean;
  /** Limits of growth, and a kill where V8 fails below them. */
  readonly growth: boolean;
}

export class Additions {
  readonly module: ParsedModule;
  readonly protections: Protections;
  readonly types: FunctionType[] = [];
  readonly functions: AddedFunction[] = [];
  readonly globals: AddedGlobal[] = [];
  readonly exports: { readonly name: string; readonly kind: ExportKind; readonly index: number }[] = [];
  /** The module's own exports that stay, by name; undefined: all do. */
  keptExports: ReadonlySet<string> | undefined;
  /** Functions that code takes references of: each must be declared, and exports no longer do that. */
  readonly referenced: Set<number> = new Set();
  /** Tables that code writes or grows. */
  readonly changedTables: Set<number> = new Set();
  /** Passive segments that code drops, by the key of `segmentKey`. */
  readonly droppedSegments: Map<string, DroppedSegment> = new Map();
  /** Functions of the appended table of references, in its order; undefined where there is no such table. */
  references: readonly number[] | undefined;
  /** Global indices: fuel left (i64), stack left (i32), why the instance was killed (i32), limit of growth (i32). */
  readonly fuel: number;
  readonly stackLeft: number;
  readonly status: number;
  readonly pagesMax: number;
  readonly #typeIndices = new Map<string, number>();
  /** Indices of types that were asked for before, so that few keys are made. */
  readonly #sameTypes = new Map<FunctionType, number>();
  readonly #helpers = new Map<string, number>();

  constructor(module: ParsedModule, protections: Protections, stackBytesMax: number, pagesMax: number) {
    this.module = module;
    this.protections = protections;
    for (const [index, type] of module.types.entries()) {
      const key = typeKey(type);
      if (!this.#typeIndices.has(key)) this.#typeIndices.set(key, index);
    }
    this.fuel = this.addGlobal('i64', 0);
    this.stackLeft = this.addGlobal('i32', stackBytesMax);
    this.status = this.addGlobal('i32', 0);
    this.pagesMax = this.addGlobal('i32', pagesMax);
  }

  /** The index of a function type: the module's own where it has it. */
  typeIndex(type: FunctionType): number {
    const same = this.#sameTypes.get(type);
    if (same !== undefined) return same;
    const key = typeKey(type);
    const known = this.#typeIndices.get(key);
    if (known !== undefined) {
      this.#sameTypes.set(type, known);
      return known;
    }
    const index = this.module.types.length + this.types.length;
    this.types.push(type);
    this.#typeIndices.set(key, index);
    return index;
  }

  /** Appends a mutable global. */
  addGlobal(type: 'i32' | 'i64', value: number): number {
    const init = new ByteWriter(12);
    if (type === 'i32') init.i32Const(value);
    else init.i64Const(value);
    this.globals.push({ type: valueType[type], init });
    return this.module.globals.length + this.globals.length - 1;
  }

  /** Appends a function and answers its index; `body` holds locals and code up to the closing `end`. */
  addFunction(type: FunctionType, body: ByteSource): number {
    this.functions.push({ typeIndex: this.typeIndex(type), body });
    return this.module.imports.length + this.module.functions.length + this.functions.length - 1;
  }

  addExport(name: string, index: number, kind: ExportKind = 'function'): void {
    this.exports.push({ name, kind, index });
  }

  /** The index that `build` answered for this key; built at its first use. */
  once(key: string, build: () => number): number {
    let index = this.#helpers.get(key);
    if (index === undefined) {
      index = build();
      this.#helpers.set(key, index);
    }
    return index;
  }
}

function typeKey(type: FunctionType): string {
  return `${type.params.join()}:${type.results.join()}`;
}

/** A function type from the names of value types, e.g. `types('i32 i64', 'i32')`. */
export function functionType(params: string, results: string): FunctionType {
  const codes = (names: string) =>
    names === '' ? [] : names.split(' ').map((name) => valueType[name as keyof typeof valueType]);
  return { params: codes(params), results: codes(results) };
}

/** Kills the instance: the status says why, and the trap cannot be caught. */
export function emitKill(code: ByteWriter, additions: Additions, status: number): void {
  code.i32Const(status).globalSet(additions.status).u8(op.unreachable);
}

/** A vector instruction without immediates, or whose immediates follow. */
export function emitSimd(code: ByteWriter, number: number): void {
  code.u8(prefixSimd).u32(number);
}

/** A vector instruction on one lane. */
export function emitLane(code: ByteWriter, number: number, lane: number): void {
  code.u8(prefixSimd).u32(number).u8(lane);
}
