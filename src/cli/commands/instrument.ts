// What "instrument" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { path } from '../command-options.ts';
import type { InstrumentCommandOptions } from '../instrument.ts';

export function addInstrument(program: Command, done: (exitCode: number) => void): void {
  program
    .command('instrument')
    .summary('check a module and write it as the engine runs it')
    .description('Checks a WebAssembly module and writes it as the engine runs it: metered and bounded.')
    .argument('<module>', 'WebAssembly module', path)
    .requiredOption('-o, --output <file>', 'where to write', path)
    .option('--own-imports', 'take imports from other modules than "wasm_engine": functions of numbers')
    .option('--json', 'print one object about the module')
    .addHelpText(
      'after',
      `
Example:
  wasm-engine instrument agent.wasm -o agent.metered.wasm`,
    )
    .action(async (module: string, options: InstrumentCommandOptions) => {
      const { instrumentCommand } = await import('../instrument.ts');
      done(instrumentCommand(module, options));
    });
}
