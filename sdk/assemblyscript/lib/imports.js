// What a module imports, and why an import cannot be had. Only the engine's own functions can.

const hostModule = 'wasm_engine';

const hints = [
  [/^env\.(performance|Date)\./, 'the clock of the machine; use tick() or timeMs()'],
  [/^env\.(crypto|Math\.random)/, 'randomness of the machine; use random() or randomBytes()'],
  [/^env\.process\./, 'the process of the host'],
  [/^env\.memory$/, 'a memory; an agent has its own'],
];

function reasonOf(name) {
  for (const [pattern, reason] of hints) if (pattern.test(name)) return `, ${reason}`;
  return '';
}

/** The host functions of a module, sorted, and a sentence for each import that the engine does not supply. */
export function explainImports(binary) {
  const imports = [];
  const problems = [];
  for (const { module, name } of WebAssembly.Module.imports(new WebAssembly.Module(binary))) {
    if (module === hostModule) imports.push(name);
    else
      problems.push(
        `it imports "${module}.${name}", which the engine does not supply${reasonOf(`${module}.${name}`)}`,
      );
  }
  return { imports: imports.sort(), problems };
}
