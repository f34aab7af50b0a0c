// Where two configurations differ, value by value: what is said first of runs that were not the same system.

import type { SystemConfig } from '../config/system-config.ts';

export interface ConfigDifference {
  /** Such as `run.seed` or `agents.trader.module`; entries of lists by their name where they have one. */
  readonly path: string;
  /** Both values as JSON; undefined where there is none. */
  readonly a: string | undefined;
  readonly b: string | undefined;
}

export function configDifferences(a: SystemConfig, b: SystemConfig): ConfigDifference[] {
  return differences(a, b, '');
}

function differences(a: unknown, b: unknown, path: string): ConfigDifference[] {
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) {
    return Object.is(a, b) ? [] : [{ path, a: text(a), b: text(b) }];
  }
  if (isNamedList(a) && isNamedList(b)) {
    const orders = [a, b].map((list) => list.map(({ name }) => name));
    const moved = orders[0]!.length === orders[1]!.length && isReordered(orders[0]!, orders[1]!);
    const found = fields(byName(a), byName(b), path);
    return moved
      ? [{ path: `${path} (their order)`, a: text(orders[0]), b: text(orders[1]) }, ...found]
      : found;
  }
  return fields(a, b, path);
}

function fields(a: object, b: object, path: string): ConfigDifference[] {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) =>
    differences(
      (a as Record<string, unknown>)[key],
      (b as Record<string, unknown>)[key],
      path === '' ? key : `${path}.${key}`,
    ),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isNamedList(value: object): value is { readonly name: string }[] {
  return Array.isArray(value) && value.every((item) => isObject(item) && 'name' in item);
}

function byName(list: readonly { readonly name: string }[]): Record<string, unknown> {
  return Object.fromEntries(list.map((item) => [item.name, item]));
}

function isReordered(a: readonly string[], b: readonly string[]): boolean {
  return a.some((name, i) => name !== b[i]) && a.every((name) => b.includes(name));
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
