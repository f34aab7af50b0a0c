// Value and function types of the binary format (WebAssembly 2.0, section 5.3), as far as this engine takes them.

export const valueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b, funcref: 0x70 } as const;

/** The number types whose mutable globals have accessors. */
export type NumberTypeName = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const nameByCode = new Map<number, string>(Object.entries(valueType).map(([name, code]) => [code, name]));

export function isValueType(code: number): boolean {
  return nameByCode.has(code);
}

export function valueTypeName(code: number): string {
  return nameByCode.get(code) ?? `0x${code.toString(16)}`;
}

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export function functionTypesEqual(a: FunctionType, b: FunctionType): boolean {
  return listsEqual(a.params, b.params) && listsEqual(a.results, b.results);
}

export function listsEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((code, index) => code === b[index]);
}

/** A type as a person writes it, e.g. `(i32, i64) -> i32`. */
export function functionTypeText(type: FunctionType): string {
  const list = (codes: readonly number[]) => codes.map(valueTypeName).join(', ');
  const results = type.results.length === 1 ? list(type.results) : `(${list(type.results)})`;
  return `(${list(type.params)}) -> ${results}`;
}
