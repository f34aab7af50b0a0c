// Random valid modules in the binary format, from a seed: what the pass takes, in every shape. They may trap, run for
// ever or recurse without end; whoever runs them gives fuel.
import { Chance, type ProgramShape, typeIndex } from './program-shape.ts';
import { type Signature, Sink, writeProgram } from './program-writer.ts';
import { CodeGenerator } from './random-code.ts';

export interface RandomProgram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Exported functions, whose parameters and results are integers. */
  readonly exports: readonly { readonly name: string; readonly signature: Signature }[];
  /** Letters of the globals, each exported as `g` and its index. */
  readonly globals: string;
}

const imports = ['set_timer', 'random'] as const;
const hostSignature: Signature = { params: 'ii', results: 'i' };

function constant(letter: string, chance: Chance): Sink {
  const sink = new Sink();
  if (letter === 'i') sink.u8(0x41).signed(BigInt(chance.below(100) - 50));
  else if (letter === 'l') sink.u8(0x42).signed(BigInt(chance.below(100) - 50));
  else if (letter === 'f') sink.u8(0x43, 0, 0, chance.below(128), 0x3f + chance.below(3));
  else if (letter === 'd') sink.u8(0x44, 0, 0, 0, 0, 0, 0, chance.below(16), 0x40 + chance.below(2));
  else sink.u8(0xfd, 12, ...Array.from({ length: 16 }, () => chance.below(70)));
  return sink;
}

/** `functionCount`: how many besides the first; a few unless given. */
export function randomProgram(seed: number, functionCount?: number): RandomProgram {
  const chance = new Chance(seed);
  const vectors = chance.once(3);
  const letters = vectors ? 'iilfdv' : 'iilfd';
  const importCount = chance.once(3) ? 2 : 0;
  const own: Signature[] = [{ params: chance.letters('il', 2), results: chance.letters('il', 2) }];
  const few = 1 + chance.below(5);
  for (let count = functionCount ?? few; count > 0; count--) {
    own.push({
      params: chance.letters(letters, 3),
      results: chance.letters(letters, chance.once(3) ? 3 : 1),
    });
  }
  const start = chance.once(4) ? own.push({ params: '', results: '' }) - 1 + importCount : undefined;
  const shape: ProgramShape = {
    types: [],
    signatures: [...Array.from({ length: importCount }, () => hostSignature), ...own],
    importCount,
    globals: `i${chance.pick(letters)}ilfd${vectors ? 'v' : ''}`,
    dataBytes: [5 + chance.below(20), chance.below(30)],
    vectors,
  };
  for (const signature of shape.signatures) typeIndex(shape.types, signature);
  const bodies = own.map((_, index) => new CodeGenerator(chance, shape, importCount + index).body());
  const globals = [...shape.globals].map((type, index) =>
    index === 0
      ? { type, init: new Sink().u8(0x41, 2 + chance.below(12)) }
      : { type, init: constant(type, chance) },
  );
  const named = own
    .map((signature, index) => ({ name: `f${index}`, signature, index }))
    .filter(({ signature }) => /^[il]*$/.test(signature.params + signature.results));
  const functions = named.map(({ name, index }) => ({ name, kind: 0, index: index + importCount }));
  const exported = [...shape.globals].map((_, index) => ({ name: `g${index}`, kind: 3, index }));
  const bytes = writeProgram({
    types: shape.types,
    imports: imports
      .slice(0, importCount)
      .map((name) => ({ name, type: typeIndex(shape.types, hostSignature) })),
    functions: own.map((signature) => typeIndex(shape.types, signature)),
    bodies,
    tables: [[8, 12]],
    memory: [1, 3],
    globals,
    exports: [...functions, ...exported, { name: 'memory', kind: 2, index: 0 }],
    start,
    elements: [
      { offset: 1, items: shape.signatures.map((_, index) => index).slice(0, 7) },
      { offset: undefined, items: shape.signatures.map((_, index) => index) },
    ],
    data: shape.dataBytes.map((size, index) => ({
      offset: index === 0 ? 3 + chance.below(40) : undefined,
      bytes: Array.from({ length: size }, () => chance.below(256)),
    })),
  });
  return {
    bytes,
    exports: named.map(({ name, signature }) => ({ name, signature })),
    globals: shape.globals,
  };
}
