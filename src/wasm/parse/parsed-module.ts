// A module as it was read: everything that instrumentation must know, and the rest as byte ranges to copy.
import type { HostFunctionName } from '../../abi/host-functions.ts';
import type { FunctionType } from '../binary/types.ts';

export interface Limits {
  readonly min: number;
  readonly max?: number;
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  readonly typeIndex: number;
  /** Which of the engine's own functions it is; undefined where it is somebody else's. */
  readonly host: HostFunctionName | undefined;
}

/** A constant expression, without its closing `end`. */
export interface ConstantExpression {
  readonly bytes: Uint8Array;
  /** The value type that it gives. */
  readonly type: number;
  /** The function of a `ref.func`; -1 for anything else. */
  readonly functionIndex: number;
  /** The value of an `i32.const`, unsigned; 0 for anything else. */
  readonly i32: number;
}

export interface Global {
  readonly type: number;
  readonly mutable: boolean;
  readonly init: ConstantExpression;
}

export type ExportKind = 'function' | 'table' | 'memory' | 'global';

export interface Export {
  readonly name: string;
  readonly kind: ExportKind;
  readonly index: number;
}

export interface ElementSegment {
  readonly mode: 'active' | 'passive' | 'declarative';
  /** Table and place of an active segment. */
  readonly table: number;
  readonly offset: number;
  /** Whether the items are expressions; else they are plain function indices. */
  readonly asExpressions: boolean;
  /** Function indices; -1 for a null reference. */
  readonly items: readonly number[];
}

export interface DataSegment {
  readonly mode: 'active' | 'passive';
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface LocalGroup {
  readonly count: number;
  readonly type: number;
}

export interface FunctionBody {
  readonly locals: readonly LocalGroup[];
  readonly localCount: number;
  /** Offsets in the module of the instructions, the closing `end` included. */
  readonly start: number;
  readonly end: number;
}

/** A custom section: where it stood (after the known section `after`, 0 for the start) and its whole payload. */
export interface CustomSection {
  readonly after: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

export interface ParsedModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Whether functions of other modules than the engine's are taken. */
  readonly ownImports: boolean;
  types: FunctionType[];
  imports: FunctionImport[];
  /** Type indices of the functions that the module defines. */
  functions: number[];
  tables: Limits[];
  memory: Limits | undefined;
  globals: Global[];
  exports: Export[];
  start: number | undefined;
  elements: ElementSegment[];
  dataCount: number | undefined;
  data: DataSegment[];
  bodies: FunctionBody[];
  customs: CustomSection[];
}

/** The type of a function by its index, imports first; undefined where there is none. */
export function typeOfFunction(module: ParsedModule, index: number): FunctionType | undefined {
  const typeIndex =
    index < module.imports.length
      ? module.imports[index]?.typeIndex
      : module.functions[index - module.imports.length];
  return typeIndex === undefined ? undefined : module.types[typeIndex];
}
