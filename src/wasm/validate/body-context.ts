// What the checks of one function's code share: where they read, what is on the stack, and how they refuse.

import { type FunctionType, isValueType, valueTypeName } from '../binary/types.ts';
import type { FunctionBody, ParsedModule } from '../parse/parsed-module.ts';
import { CodeCursor } from './code-cursor.ts';
import { opcodeText } from './instruction-types.ts';
import { TypeStack } from './type-stack.ts';

export interface ModuleFacts {
  readonly module: ParsedModule;
  /** Types by function index, imports first. */
  readonly functionTypes: readonly FunctionType[];
  /** Functions that stand outside of code, and so may be referred to in it. */
  readonly declared: ReadonlySet<number>;
}

export class BodyContext {
  readonly facts: ModuleFacts;
  readonly module: ParsedModule;
  readonly cursor: CodeCursor;
  readonly stack: TypeStack;
  /** Types of parameters and locals. */
  locals: Uint8Array = new Uint8Array(64);
  localCount = 0;
  index = 0;
  signature: FunctionType = { params: [], results: [] };
  /** Opcode and offset of the instruction at work. */
  code = 0;
  start = 0;

  constructor(facts: ModuleFacts) {
    this.facts = facts;
    this.module = facts.module;
    this.cursor = new CodeCursor(facts.module.bytes, facts.module.name);
    this.stack = new TypeStack((what) => this.refuse(what));
  }

  setLocals({ locals, localCount }: FunctionBody): void {
    const { params } = this.signature;
    this.localCount = params.length + localCount;
    if (this.localCount > this.locals.length) this.locals = new Uint8Array(this.localCount * 2);
    this.locals.set(params);
    let next = params.length;
    for (const { count, type } of locals) {
      this.locals.fill(type, next, next + count);
      next += count;
    }
  }

  refuse(what: string): Error {
    const text = `function ${this.index}, instruction ${opcodeText(this.code)}: ${what}`;
    return this.cursor.refuse(text, this.start);
  }

  /** An index of one of the module's lists. */
  below(count: number, what: string): number {
    const index = this.cursor.u32('an index');
    if (index < count) return index;
    throw this.refuse(`it names the ${what} ${index}, which does not exist`);
  }

  needMemory(): void {
    if (this.module.memory === undefined) throw this.refuse('the module has no memory');
  }

  zeroMemory(): void {
    if (this.cursor.byte('a memory index') !== 0) {
      throw this.refuse('it uses a second memory (multi-memory), which is not taken');
    }
    this.needMemory();
  }

  refuseType(code: number): Error {
    return this.refuse(
      `found the type ${valueTypeName(code)}, only i32, i64, f32, f64, v128 and funcref are taken`,
    );
  }

  readType(): number {
    const type = this.cursor.byte('a type');
    if (!isValueType(type)) throw this.refuseType(type);
    return type;
  }
}
