// The judge of what may run: a module that was read is checked as the specification wants it (section 3), and against
// the limits, before V8 sees a byte of it. V8 refusing afterwards is a bug of ours.

import { refusal } from '../binary/refusal.ts';
import { functionTypeText } from '../binary/types.ts';
import { limitRefusal, moduleLimits } from '../parse/limits.ts';
import { type ParsedModule, typeOfFunction } from '../parse/parsed-module.ts';
import { BodyContext, type ModuleFacts } from './body-context.ts';
import { validateBody } from './validate-body.ts';

/**
 * Refuses a module that is not valid or is beyond a limit.
 * @throws EngineError `module-refused` with name, section and byte offset
 */
export function validateModule(module: ParsedModule): void {
  checkNames(module);
  checkGlobals(module);
  checkStart(module);
  const facts = factsOf(module);
  const context = new BodyContext(facts);
  const { bodies, imports } = module;
  for (let index = 0; index < bodies.length; index++)
    validateBody(context, imports.length + index, bodies[index]!);
}

function checkNames({ name, exports, customs }: ParsedModule): void {
  const max = moduleLimits.nameBytesMax;
  // A name has at most three bytes a unit of its text.
  for (const item of [...exports, ...customs]) {
    if (item.name.length * 3 <= max) continue;
    const size = new TextEncoder().encode(item.name).length;
    if (size > max) throw limitRefusal(name, 'nameBytesMax', size, 'a name has the size');
  }
}

function functionCount({ imports, functions }: ParsedModule): number {
  return imports.length + functions.length;
}

function checkGlobals(module: ParsedModule): void {
  for (const [index, { init }] of module.globals.entries()) {
    if (init.functionIndex < functionCount(module)) continue;
    const what = `global ${index} refers to function ${init.functionIndex}, which does not exist`;
    throw refusal(module.name, what, 'global');
  }
}

function checkStart(module: ParsedModule): void {
  if (module.start === undefined) return;
  const type = typeOfFunction(module, module.start)!;
  if (type.params.length + type.results.length === 0) return;
  const what = `its start function ${module.start} is ${functionTypeText(type)}, wanted () -> ()`;
  throw refusal(module.name, what, 'start');
}

function factsOf(module: ParsedModule): ModuleFacts {
  const functionTypes = [...module.imports.map(({ typeIndex }) => typeIndex), ...module.functions].map(
    (index) => module.types[index]!,
  );
  const declared = new Set<number>();
  for (const { items } of module.elements) for (const item of items) declared.add(item);
  for (const { kind, index } of module.exports) if (kind === 'function') declared.add(index);
  for (const { init } of module.globals) declared.add(init.functionIndex);
  declared.delete(-1);
  return { module, functionTypes, declared };
}
