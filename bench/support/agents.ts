// The agents of the measurements: a few lines of WebAssembly text each, so that what is measured is the engine.

import wabt from 'wabt';

const exportsOf = (receive: string, step: string): string => `
  (memory (export "memory") 1)
  (func (export "agent_init") (result i32) i32.const 0)
  (func (export "agent_receive") (param $at i32) (result i32) ${receive})
  (func (export "agent_step") (param $at i32) (result i32) ${step})
  (func (export "agent_shutdown") (result i32) i32.const 0)
  (func (export "agent_alloc") (param $size i32) (result i32) i32.const 1024)`;

const texts = {
  /** Passes each message on to the next of \`size\` agents, by host counter. */
  ring: (size: number): string => `(module
    (import "wasm_engine" "send" (func $send (param i32 i32 i32 i32) (result i32)))
    ${exportsOf(
      `(drop (call $send (i32.const 0)
        (i32.add (i32.rem_u (i32.load offset=28 (local.get $at)) (i32.const ${size})) (i32.const 1))
        (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))
       i32.const 0`,
      'i32.const 0',
    )})`,
  /** Publishes 8 bytes to the topic "all" in every tick. */
  publisher: (): string => `(module
    (import "wasm_engine" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 0) "all")
    ${exportsOf(
      'i32.const 0',
      '(drop (call $publish (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 8))) i32.const 0',
    )})`,
  /** Takes whatever comes and does nothing. */
  sink: (): string => `(module ${exportsOf('i32.const 0', 'i32.const 0')})`,
  /** Counts in memory: the smallest step that does something. */
  counter: (): string =>
    `(module ${exportsOf(
      'i32.const 0',
      '(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) i32.const 0',
    )})`,
  /** Spawns \`count\` agents of the declaration "sink" in every step. */
  spawner: (count: number): string => `(module
    (import "wasm_engine" "spawn" (func $spawn (param i32 i32 i32 i32 i32) (result i32)))
    (data (i32.const 0) "sink")
    ${exportsOf(
      'i32.const 0',
      `(local $i i32)
       (loop $again
         (drop (call $spawn (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 64)))
         (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${count}))))
       i32.const 0`,
    )})`,
} as const;

/** The module bytes of a measuring agent. */
export async function agentModule(name: keyof typeof texts, value = 0): Promise<Uint8Array> {
  const assembler = await wabt();
  const parsed = assembler.parseWat(`${name}.wat`, texts[name](value));
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return buffer;
}
