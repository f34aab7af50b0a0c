// From anything thrown to one clear line, and the exit code of its kind. Never a stack trace, unless it was asked for.

import { styleText } from 'node:util';
import { EngineError, errorCodes } from '../base/errors.ts';
import { printableJson, printableLines } from './printable.ts';
import { writeLine } from './standard-output.ts';

/** What a new run lacks is a problem of its system file; all others take the option. */
const modelHint = '; --models <dir> says where models lie: <dir>/<model>/<version>/model.onnx';

/** Says what went wrong, and answers the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const known = error instanceof EngineError;
  const code = known ? error.code : 'bug';
  const message = `${error instanceof Error ? error.message : String(error)}${code === 'model-missing' ? modelHint : ''}`;
  if (json) {
    const details = known ? error.details : {};
    writeLine(printableJson(JSON.stringify({ error: { code, message, details } })));
  }
  complain('error', message);
  const debug = process.env.WASM_ENGINE_DEBUG === '1';
  if (debug && error instanceof Error) process.stderr.write(`${describe(error)}\n`);
  else if (code === 'bug') {
    process.stderr.write('This is a bug of wasm-engine; WASM_ENGINE_DEBUG=1 shows where.\n');
  }
  return errorCodes[code].exitCode;
}

/** One line on standard error, or more where the message lists problems. */
export function complain(kind: 'error' | 'warning', message: string): void {
  const colour = kind === 'error' ? 'red' : 'yellow';
  const plain = `${kind}:`;
  // The stream and the environment are asked here, since the Node that is told it is too old does not ask them.
  const forced = (process.env.FORCE_COLOR ?? '') !== '';
  const unwanted = (process.env.NO_COLOR ?? '') !== '' || !(process.stderr.isTTY || forced);
  const head = unwanted ? plain : styleText([colour, 'bold'], plain, { stream: process.stderr });
  process.stderr.write(`${head} ${printableLines(message)}\n`);
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${describe(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
