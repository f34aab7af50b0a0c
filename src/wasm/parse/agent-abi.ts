// Whether a module can be an agent: the guest's half of the ABI.
import { guestFunctions } from '../../abi/guest-exports.ts';
import { refusal } from '../binary/refusal.ts';
import { functionTypesEqual, functionTypeText, valueType } from '../binary/types.ts';
import { type ParsedModule, typeOfFunction } from './parsed-module.ts';

/**
 * Refuses a module that does not export its memory and the five functions of ABI 1 with their types.
 * @throws EngineError `module-refused`
 */
export function checkAgentAbi(module: ParsedModule): void {
  if (!module.exports.some(({ name, kind }) => name === 'memory' && kind === 'memory')) {
    throw refusal(module.name, 'it exports no memory "memory", which an agent needs');
  }
  for (const [name, params] of Object.entries(guestFunctions)) {
    const wanted = { params: new Array<number>(params).fill(valueType.i32), results: [valueType.i32] };
    const found = module.exports.find((item) => item.name === name);
    const type = found?.kind === 'function' ? typeOfFunction(module, found.index) : undefined;
    if (type === undefined) {
      const what = `it exports no function "${name}", which an agent needs as ${functionTypeText(wanted)}`;
      throw refusal(module.name, what);
    }
    if (functionTypesEqual(type, wanted)) continue;
    throw refusal(
      module.name,
      `it exports "${name}" as ${functionTypeText(type)}, wanted ${functionTypeText(wanted)}`,
    );
  }
}
