// Preloaded into a process by tests (`--import`): an agent that logs `"abort"` or `"hang"` ends, or stops, the process that runs
// its turn, as a bug of the runtime would. Nothing in src knows of it.

type Guest = (level: number, pointer: number, length: number) => number;

const Plain = WebAssembly.Instance;
const decoder = new TextDecoder();

function instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports = {}): WebAssembly.Instance {
  const host = imports.wasm_engine;
  if (host?.log === undefined) return new Plain(module, imports);
  const log = host.log as unknown as Guest;
  const memory = Object.values(imports)
    .flatMap((group) => Object.values(group))
    .find((value) => value instanceof WebAssembly.Memory) as WebAssembly.Memory;
  const watched: Guest = (level, pointer, length) => {
    const said = decoder.decode(new Uint8Array(memory.buffer).slice(pointer, pointer + length));
    if (said === '"abort"') {
      // abort() is for the main thread only.
      process.kill(process.pid, 'SIGSEGV');
      stop();
    }
    if (said === '"hang"') stop();
    return log(level, pointer, length);
  };
  return new Plain(module, { ...imports, wasm_engine: { ...host, log: watched as never } });
}

function stop(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

WebAssembly.Instance = new Proxy(Plain, {
  construct: (_, [module, imports]: [WebAssembly.Module, WebAssembly.Imports?]) =>
    instantiate(module, imports),
});
