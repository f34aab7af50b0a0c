// The face of this room: bytes of a module in, bytes of an instrumented module out. Usable without the rest.
export { engineExport, memoryImport, Status, stateExport } from '../abi/guest-exports.ts';
export type { MutableGlobal } from './accessors.ts';
export { costTableVersion } from './cost-table.ts';
export { authorPlaces, explainTrap, type TrapFrame } from './explain-trap.ts';
export { type InstrumentedModule, type InstrumentOptions, instrument } from './instrument.ts';
export { type ModuleNames, moduleNames } from './module-names.ts';
export { type CodePlace, type OffsetMap, originalPlace } from './offset-map.ts';
export type { NumberTypeName } from './types.ts';
