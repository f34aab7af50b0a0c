// Agents for tests, in WebAssembly text: one that does what its messages say, and small ones. Must not be published.

import wabt from 'wabt';

const assembler = await wabt();

/** Bytes of a module in WebAssembly text. */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const parsed = assembler.parseWat('agent.wat', text);
  try {
    return new Uint8Array(parsed.toBinary({}).buffer);
  } finally {
    parsed.destroy();
  }
}

export interface AgentParts {
  /** Imports, data, globals and functions. */
  readonly before?: string;
  readonly init?: string;
  /** Bodies of `agent_receive` and `agent_step`; `$at` is the envelope. */
  readonly receive?: string;
  readonly step?: string;
  readonly shutdown?: string;
  /** Body of `agent_alloc`; `$size` is what is asked for. */
  readonly alloc?: string;
  readonly memory?: string;
}

/** An agent of given parts; what is left out does nothing. */
export function agentText(parts: AgentParts): string {
  const { before = '', init = 'i32.const 0', receive = 'i32.const 0', step = 'i32.const 0' } = parts;
  const { shutdown = 'i32.const 0', alloc = 'i32.const 4096', memory = '2' } = parts;
  return `(module
    ${before}
    (memory (export "memory") ${memory})
    (func (export "agent_init") (result i32) ${init})
    (func (export "agent_receive") (param $at i32) (result i32) ${receive})
    (func (export "agent_step") (param $at i32) (result i32) ${step})
    (func (export "agent_shutdown") (result i32) ${shutdown})
    (func (export "agent_alloc") (param $size i32) (result i32) ${alloc}))`;
}

export function agent(parts: AgentParts): Uint8Array<ArrayBuffer> {
  return assemble(agentText(parts));
}

export function importText(name: string, parameters: number): string {
  const list = Array.from({ length: parameters }, () => 'i32').join(' ');
  return `(import "wasm_engine" "${name}" (func $${name} (param ${list}) (result i32)))`;
}

/** Gives each payload back as an output. */
export function echoAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    before: importText('output', 2),
    receive: '(call $output (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at)))',
  });
}

/** Counts its messages and steps, and gives the count as an output of 4 bytes at each. */
export function countingAgent(): Uint8Array<ArrayBuffer> {
  const count = `(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (call $output (i32.const 0) (i32.const 4))`;
  return agent({ before: importText('output', 2), receive: count, step: count });
}

/** Never comes to an end by itself: each step asks for the next. */
export function restlessAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    before: importText('output', 2),
    receive: 'i32.const 1',
    step: `(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (drop (call $output (i32.const 0) (i32.const 4)))
      i32.const 1`,
  });
}
