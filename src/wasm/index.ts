// The face of this room: bytes of a module in, bytes of an instrumented module out. Usable without the rest.
export { engineExport, memoryImport, Status, stateExport } from '../abi/guest-exports.ts';
export type { MutableGlobal } from './append/accessors.ts';
export { costTableVersion } from './binary/cost-table.ts';
export type { NumberTypeName } from './binary/types.ts';
export { authorPlaces, explainTrap, type TrapFrame } from './explain-trap.ts';
export { type InstrumentedModule, type InstrumentOptions, instrument } from './instrument.ts';
export { type CodePlace, type OffsetMap, originalPlace } from './offset-map.ts';
export { type ModuleNames, moduleNames } from './parse/module-names.ts';
