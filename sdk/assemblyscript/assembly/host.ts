// The functions that the engine supplies, as raw imports. A module has only those that its code can reach, and each
// needs a capability in the system file: so nothing in the SDK may call one that the author did not ask for.

@external("wasm_engine", "send")
export declare function send(origin: u32, counter: u32, payload: usize, length: i32): i32;

@external("wasm_engine", "find")
export declare function find(name: usize, length: i32, out: usize): i32;

@external("wasm_engine", "publish")
export declare function publish(topic: usize, topicLength: i32, payload: usize, length: i32): i32;

@external("wasm_engine", "subscribe")
export declare function subscribe(topic: usize, length: i32): i32;

@external("wasm_engine", "unsubscribe")
export declare function unsubscribe(topic: usize, length: i32): i32;

@external("wasm_engine", "join")
export declare function join(channel: usize, length: i32): i32;

@external("wasm_engine", "leave")
export declare function leave(channel: usize, length: i32): i32;

@external("wasm_engine", "set_timer")
export declare function setTimer(delayTicks: i32, tag: i32): i32;

@external("wasm_engine", "cancel_timer")
export declare function cancelTimer(timer: i32): i32;

@external("wasm_engine", "random")
export declare function random(destination: usize, length: i32): i32;

@external("wasm_engine", "log")
export declare function log(level: i32, text: usize, length: i32): i32;

/** The same function, for `abort` alone: the build program keeps it only where the author's code logs too. */
@external("wasm_engine", "log")
export declare function logFromAbort(level: i32, text: usize, length: i32): i32;

@external("wasm_engine", "output")
export declare function output(payload: usize, length: i32): i32;

@external("wasm_engine", "spawn")
export declare function spawn(
  declaration: usize,
  declarationLength: i32,
  payload: usize,
  length: i32,
  out: usize,
): i32;

@external("wasm_engine", "terminate")
export declare function terminate(origin: u32, counter: u32): i32;

@external("wasm_engine", "infer")
export declare function infer(model: usize, modelLength: i32, tensors: usize, length: i32, tag: i32): i32;

@external("wasm_engine", "generate")
export declare function generate(model: usize, modelLength: i32, request: usize, length: i32, tag: i32): i32;
