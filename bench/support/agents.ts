// The agents of the measurements: a few lines of WebAssembly text each, so that what is measured is the engine.

import wabt from 'wabt';

const exportsOf = (receive: string, step: string): string => `
  (memory (export "memory") 1)
  (func (export "agent_init") (result i32) i32.const 0)
  (func (export "agent_receive") (param $at i32) (result i32) ${receive})
  (func (export "agent_step") (param $at i32) (result i32) ${step})
  (func (export "agent_shutdown") (result i32) i32.const 0)
  (func (export "agent_alloc") (param $size i32) (result i32) i32.const 1024)`;

/** Adds up the bytes from `$from` to `$end` in `$sum`. */
const sumLoop = `
  (loop $next
    (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $from))))
    (br_if $next (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 1))) (local.get $end))))`;

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
  /** Answers each message with the sum of its bytes, in 8 bytes. */
  summer: (): string => `(module
    (import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))
    ${exportsOf(
      `(local $from i32) (local $end i32) (local $sum i64)
       (local.set $from (i32.load offset=52 (local.get $at)))
       (local.set $end (i32.add (local.get $from) (i32.load offset=56 (local.get $at))))
       ${sumLoop}
       (i64.store (i32.const 16) (local.get $sum))
       (drop (call $output (i32.const 16) (i32.const 8)))
       i32.const 0`,
      'i32.const 0',
    )})`,
  /** The same as a plug-in of Extism: takes its input in words, as the kits for its plug-ins do. */
  plugin: (): string => `(module
    (import "extism:host/env" "input_length" (func $length (result i64)))
    (import "extism:host/env" "input_load_u64" (func $load (param i64) (result i64)))
    (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
    (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
    (import "extism:host/env" "output_set" (func $output (param i64 i64)))
    (memory (export "memory") 1)
    (func (export "sum") (result i32)
      (local $from i32) (local $end i32) (local $sum i64) (local $out i64)
      (local.set $end (i32.wrap_i64 (call $length)))
      (loop $next
        (i64.store (local.get $from) (call $load (i64.extend_i32_u (local.get $from))))
        (br_if $next (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 8))) (local.get $end))))
      (local.set $from (i32.const 0))
      ${sumLoop}
      (call $store (local.tee $out (call $alloc (i64.const 8))) (local.get $sum))
      (call $output (local.get $out) (i64.const 8))
      i32.const 0))`,
  /** Counts in memory: the smallest step that does something. */
  counter: (): string =>
    `(module ${exportsOf(
      'i32.const 0',
      '(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) i32.const 0',
    )})`,
  /** Sums the 16 KiB from 4096 on in every step, and keeps the sum. */
  busy: (): string =>
    `(module ${exportsOf(
      'i32.const 0',
      `(local $from i32) (local $end i32) (local $sum i64)
     (local.set $from (i32.const 4096))
     (local.set $end (i32.const 20480))
     ${sumLoop}
     (i64.store (i32.const 16) (i64.add (i64.load (i32.const 16)) (local.get $sum)))
     i32.const 0`,
    )})`,
  /**
   * Has `count` pages beside its first one, full of words that compress a little and are no other agent's; writes into
   * one of them with each message, in turn.
   */
  pages: (count: number): string => `(module
    (import "wasm_engine" "random" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") ${count + 1})
    (func (export "agent_init") (result i32)
      (local $at i32) (local $word i32)
      (drop (call $random (i32.const 16) (i32.const 4)))
      (local.set $at (i32.const 65536))
      (local.set $word (i32.load (i32.const 16)))
      (loop $next
        (local.set $word (i32.add (i32.mul (local.get $word) (i32.const 1103515245)) (i32.const 12345)))
        (i32.store (local.get $at) (i32.and (local.get $word) (i32.const 0x0f0f3f7f)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4)))
          (i32.const ${(count + 1) * 65536}))))
      i32.const 0)
    (func (export "agent_receive") (param $envelope i32) (result i32)
      (local $count i32)
      (local.set $count (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (i32.store (i32.const 0) (local.get $count))
      (i64.store (i32.add (i32.const 65536)
          (i32.mul (i32.rem_u (local.get $count) (i32.const ${count})) (i32.const 65536)))
        (i64.load offset=8 (local.get $envelope)))
      i32.const 0)
    (func (export "agent_step") (param i32) (result i32) i32.const 0)
    (func (export "agent_shutdown") (result i32) i32.const 0)
    (func (export "agent_alloc") (param i32) (result i32) i32.const 1024))`,
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
export async function agentModule(name: keyof typeof texts, value = 0): Promise<Uint8Array<ArrayBuffer>> {
  const assembler = await wabt();
  const parsed = assembler.parseWat(`${name}.wat`, texts[name](value));
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return new Uint8Array(buffer);
}
