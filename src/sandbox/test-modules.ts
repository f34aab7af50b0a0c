// For tests only: guests in the text format. The puppet does what its messages say: each is a list of calls.

import wabtInit from 'wabt';
import { hostFunctionNames, hostFunctions } from '../abi/host-functions.ts';
import { instrument } from '../wasm/index.ts';
import type { GlobalWords } from './instance-state.ts';

const assembler = await wabtInit();

export interface GuestModule {
  readonly module: WebAssembly.Module;
  readonly globals: GlobalWords;
}

/** Assembles, instruments and compiles a guest. */
export function compile(text: string): GuestModule {
  const parsed = assembler.parseWat('guest.wat', text);
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  const { bytes, globals } = instrument(buffer, { name: 'guest.wat', agent: true });
  return { module: new WebAssembly.Module(bytes), globals: globals.map(({ words }) => words) };
}

/** The parts of a guest; what is not given does nothing. */
export interface GuestParts {
  readonly before?: string;
  readonly memory?: string;
  readonly init?: string;
  readonly receive?: string;
  readonly step?: string;
  readonly shutdown?: string;
  readonly alloc?: string;
}

/** A guest whose entry points have the given bodies; `$at` is the envelope, `$size` what `agent_alloc` is asked. */
export function guest(parts: GuestParts): string {
  const {
    before = '',
    memory = '1',
    init = 'i32.const 0',
    receive = 'i32.const 0',
    alloc = 'i32.const 1024',
  } = parts;
  const { step = 'i32.const 0', shutdown = 'i32.const 0' } = parts;
  return `(module
    ${before}
    (memory (export "memory") ${memory})
    (func (export "agent_init") (result i32) ${init})
    (func (export "agent_receive") (param $at i32) (result i32) ${receive})
    (func (export "agent_step") (param $at i32) (result i32) ${step})
    (func (export "agent_shutdown") (result i32) ${shutdown})
    (func (export "agent_alloc") (param $size i32) (result i32) ${alloc}))`;
}

/** `answer`: the entry point will return the first value. Others answer what the operation does, or 0. */
type OwnOp = 'grow' | 'answer' | 'trap' | 'spin' | 'store' | 'recurse' | 'load';

/** What the puppet can do beside calling host functions. */
export const puppetOps: Readonly<Record<OwnOp, number>> = {
  grow: hostFunctionNames.length,
  answer: hostFunctionNames.length + 1,
  trap: hostFunctionNames.length + 2,
  spin: hostFunctionNames.length + 3,
  store: hostFunctionNames.length + 4,
  recurse: hostFunctionNames.length + 5,
  load: hostFunctionNames.length + 6,
};

export type PuppetOp = (typeof hostFunctionNames)[number] | OwnOp;
/** An operation and its values. */
export type Call = readonly [PuppetOp, ...number[]];

/** Where the puppet finds the calls of its other entry points, and leaves the answers of all. */
export const puppetAt = {
  init: 0x400,
  shutdown: 0x800,
  alloc: 0xc00,
  start: 0x1000,
  /** Not 0: what `agent_alloc` answers. */
  allocAnswer: 0x1ffc,
  answers: 0x2000,
  inbox: 0x4000,
} as const;

const callWords = 6;

/** The calls as words. */
export function callWordsOf(calls: readonly Call[]): Uint32Array {
  const words = new Uint32Array(calls.length * callWords);
  calls.forEach(([name, ...values], i) => {
    const index = hostFunctionNames.indexOf(name as (typeof hostFunctionNames)[number]);
    words[i * callWords] = index >= 0 ? index : puppetOps[name as OwnOp];
    words.set(values, i * callWords + 1);
  });
  return words;
}

function puppetText(): string {
  const names = [...hostFunctionNames, ...Object.keys(puppetOps)] as PuppetOp[];
  const value = (i: number): string => `(i32.load offset=${4 + i * 4} (local.get $p))`;
  const imports = hostFunctionNames.map((name) => {
    const params = ' i32'.repeat(hostFunctions[name].parameters);
    return `(import "wasm_engine" "${name}" (func $${name} (param${params}) (result i32)))`;
  });
  const own: Record<OwnOp, string> = {
    grow: `(memory.grow ${value(0)})`,
    answer: `(global.set $answer ${value(0)}) (i32.const 0)`,
    trap: 'unreachable',
    spin: '(loop $l (br $l)) unreachable',
    store: `(i32.store ${value(0)} ${value(1)}) (i32.const 0)`,
    recurse: '(call $op (local.get $p))',
    load: `(i32.load ${value(0)})`,
  };
  const bodyOf = (name: PuppetOp): string => {
    if (name in own) return own[name as OwnOp];
    const { parameters } = hostFunctions[name as (typeof hostFunctionNames)[number]];
    return `(call $${name} ${Array.from({ length: parameters }, (_, i) => value(i)).join(' ')})`;
  };
  const labels = names.map((_, i) => `$b${i}`).join(' ');
  let dispatch = `(br_table ${labels} (i32.load (local.get $p)))`;
  names.forEach((name, i) => {
    dispatch = `(block $b${i} ${dispatch}) (return (block (result i32) ${bodyOf(name)}))`;
  });
  const before = `${imports.join('\n')}
    (global $calls (mut i32) (i32.const 0))
    (global $answer (mut i32) (i32.const 0))
    (func $op (param $p i32) (result i32) ${dispatch})
    (func $run (param $p i32) (param $count i32) (result i32)
      (global.set $answer (i32.const 0))
      (block $end (loop $l
        (br_if $end (i32.eqz (local.get $count)))
        (i32.store (i32.add (i32.const ${puppetAt.answers}) (i32.mul (global.get $calls) (i32.const 4)))
          (call $op (local.get $p)))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (local.set $p (i32.add (local.get $p) (i32.const ${callWords * 4})))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $l)))
      (global.get $answer))
    (func $listed (param $p i32) (result i32)
      (call $run (i32.add (local.get $p) (i32.const 4)) (i32.load (local.get $p))))
    (func $begin (drop (call $listed (i32.const ${puppetAt.start}))))
    (start $begin)`;
  const enter = `(global.set $calls (i32.const 0))
    (call $run (i32.load offset=52 (local.get $at))
      (i32.div_u (i32.load offset=56 (local.get $at)) (i32.const ${callWords * 4})))`;
  return guest({
    before,
    memory: '1 8',
    init: `(call $listed (i32.const ${puppetAt.init}))`,
    receive: enter,
    step: enter,
    shutdown: `(call $listed (i32.const ${puppetAt.shutdown}))`,
    alloc: `(drop (call $listed (i32.const ${puppetAt.alloc})))
      (select (i32.load (i32.const ${puppetAt.allocAnswer})) (i32.const ${puppetAt.inbox})
        (i32.load (i32.const ${puppetAt.allocAnswer})))`,
  });
}

export const puppet: GuestModule = compile(puppetText());
