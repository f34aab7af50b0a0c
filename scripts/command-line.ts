// The command lines of this repository's own programs: what there is, and one clear line for what is wrong.

import { Command } from 'commander';

/** A program that is run as `npm run SCRIPT -- …`. It ends with 2 where it was called wrongly. */
export function programOf(script: string, purpose: string): Command {
  const [name, ...rest] = script.split(' ');
  const command = ['npm run', name, '--', ...rest].join(' ');
  return new Command(command)
    .description(purpose)
    .showHelpAfterError(`What there is: ${command} --help`)
    .allowExcessArguments(false)
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}
