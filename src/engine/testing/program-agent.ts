// An agent whose messages are programs: each byte is an instruction, what it sends on is the rest of its own program.
// So a generated message is a generated behaviour, and every chain of messages ends.

import { agent, importText } from './agents.ts';

/** Instructions; a number in brackets is how many operand bytes follow, `…` a length byte and so many bytes. */
export const Op = {
  nop: 0,
  /** [receiver] … */
  send: 1,
  /** [topic] … */
  publish: 2,
  /** [delay] */
  timer: 3,
  /** … */
  spawn: 4,
  log: 5,
  output: 6,
  random: 7,
  again: 8,
  finish: 9,
  trap: 10,
  spin: 11,
  /** [pages] */
  grow: 12,
  /** … */
  channel: 13,
  join: 14,
  leave: 15,
  recurse: 16,
  outside: 17,
  liar: 18,
  negative: 19,
  subscribe: 20,
  unsubscribe: 21,
  /** [number] */
  cancel: 22,
  terminate: 23,
  unknown: 24,
} as const;
export const opCount = 25;

const imports = [
  importText('send', 4),
  importText('publish', 4),
  importText('set_timer', 2),
  importText('cancel_timer', 1),
  importText('spawn', 5),
  importText('terminate', 2),
  importText('log', 3),
  importText('output', 2),
  importText('random', 2),
  importText('subscribe', 2),
  importText('unsubscribe', 2),
  importText('join', 2),
  importText('leave', 2),
].join('\n');

/** Takes a byte of the program; beyond its end there are zeros. */
const takeByte = `(func $byte (result i32)
  (local $value i32)
  (if (i32.ge_u (global.get $p) (global.get $end)) (then (return (i32.const 0))))
  (local.set $value (i32.load8_u (global.get $p)))
  (global.set $p (i32.add (global.get $p) (i32.const 1)))
  (local.get $value))
(func $part (result i32)
  (local $size i32) (local $left i32)
  (local.set $size (call $byte))
  (local.set $left (i32.sub (global.get $end) (global.get $p)))
  (if (i32.gt_u (local.get $size) (local.get $left)) (then (local.set $size (local.get $left))))
  (global.set $part (global.get $p))
  (global.set $p (i32.add (global.get $p) (local.get $size)))
  (local.get $size))
(func $deep (param $n i32) (result i32)
  (i32.add (local.get $n) (call $deep (i32.add (local.get $n) (i32.const 1)))))`;

const bodies: readonly string[] = [
  '',
  `(local.set $n (i32.add (i32.rem_u (call $byte) (i32.const 6)) (i32.const 1)))
   (local.set $size (call $part))
   (call $note (call $send (i32.const 0) (local.get $n) (global.get $part) (local.get $size)))`,
  `(local.set $n (i32.add (i32.const 64) (i32.and (call $byte) (i32.const 1))))
   (local.set $size (call $part))
   (call $note (call $publish (local.get $n) (i32.const 1) (global.get $part) (local.get $size)))`,
  `(local.set $n (call $byte))
   (call $note (call $set_timer (i32.and (local.get $n) (i32.const 7)) (local.get $n)))`,
  `(local.set $size (call $part))
   (call $note (call $spawn (i32.const 72) (i32.const 5) (global.get $part) (local.get $size) (i32.const 32)))`,
  '(call $note (call $log (i32.const 1) (i32.const 80) (i32.const 8)))',
  '(call $note (call $output (i32.const 0) (i32.const 24)))',
  '(call $note (call $random (i32.const 8) (i32.const 7)))',
  '(return (i32.const 1))',
  '(return (i32.const 2))',
  'unreachable',
  '(loop $l (br $l))',
  `(local.set $n (memory.grow (i32.and (call $byte) (i32.const 3))))
   (call $note (local.get $n))
   (if (i32.ge_s (local.get $n) (i32.const 0))
     (then (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 7))))`,
  `(local.set $size (call $part))
   (call $note (call $publish (i32.const 88) (i32.const 3) (global.get $part) (local.get $size)))`,
  '(call $note (call $join (i32.const 88) (i32.const 3)))',
  '(call $note (call $leave (i32.const 88) (i32.const 3)))',
  '(call $note (call $deep (i32.const 1)))',
  '(i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 2)) (i32.const 1))',
  `(call $note (call $send (i32.const 0) (i32.const 1) (i32.const 65536) (i32.const -1)))
   (call $note (call $send (i32.const 0) (i32.const 1) (i32.const -4) (i32.const 8)))
   (call $note (call $output (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 3)) (i32.const 4)))`,
  '(return (i32.const -5))',
  '(call $note (call $subscribe (i32.const 64) (i32.const 1)))',
  '(call $note (call $unsubscribe (i32.const 65) (i32.const 1)))',
  '(call $note (call $cancel_timer (call $byte)))',
  '(call $note (call $terminate (i32.load (i32.const 32)) (i32.load (i32.const 36))))',
  '(return (i32.const 77))',
];

/** Branches to the body of an instruction: one nested block each. */
function dispatch(): string {
  const labels = bodies.map((_, i) => `$op${i}`).join(' ');
  let text = `(br_table ${labels} $op0 (i32.rem_u (call $byte) (i32.const ${opCount})))`;
  for (const [i, body] of bodies.entries()) {
    text = `(block $op${i} ${text}) ${body} (br $next)`;
  }
  return `(loop $next
    (if (i32.lt_u (global.get $p) (global.get $end)) (then ${text}))
  )`;
}

/**
 * The agent: 24 bytes at 0 are what it gives as output (calls so far, random bytes, a hash of all answers). Needs
 * topics "A" and "B", a declaration "child", and every capability.
 */
export function programAgent(): Uint8Array<ArrayBuffer> {
  return agent({
    before: `${imports}
      (global $p (mut i32) (i32.const 0))
      (global $end (mut i32) (i32.const 0))
      (global $part (mut i32) (i32.const 0))
      (data (i32.const 64) "AB")
      (data (i32.const 72) "child")
      (data (i32.const 80) "did some")
      (data (i32.const 88) "den")
      ${takeByte}
      (global $sum (mut i32) (i32.const 0))
      (func $note (param $value i32)
        (global.set $sum (i32.add (i32.mul (global.get $sum) (i32.const 31)) (local.get $value)))
        (i32.store (i32.const 16) (global.get $sum)))
      (func $noteFault
        (call $note (i32.load (global.get $p)))
        (call $note (i32.load offset=4 (global.get $p)))
        (call $note (i32.load offset=24 (global.get $p)))
        (call $note (i32.load offset=28 (global.get $p)))
        (call $note (i32.load offset=40 (global.get $p))))
      (func $run (param $at i32) (result i32)
        (local $n i32) (local $size i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i32.store (i32.const 4) (i32.load offset=4 (local.get $at)))
        (call $note (i32.load offset=64 (local.get $at)))
        (global.set $p (i32.load offset=52 (local.get $at)))
        (global.set $end (i32.add (global.get $p) (i32.load offset=56 (local.get $at))))
        (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 3))
          (then (call $note (i32.load (global.get $p))) (return (i32.const 0))))
        (if (i32.eq (i32.load offset=4 (local.get $at)) (i32.const 5))
          (then (call $noteFault) (return (i32.const 0))))
        ${dispatch()}
        (i32.const 0))`,
    init: '(i32.store (i32.const 20) (i32.const 99)) (i32.const 0)',
    receive: '(call $run (local.get $at))',
    step: '(drop (call $output (i32.const 0) (i32.const 24))) (call $run (local.get $at))',
    shutdown: '(drop (call $output (i32.const 0) (i32.const 24))) (i32.const 0)',
  });
}
