// What the build program changes in a program between parsing and optimising.
// It must change nothing of the author's code.

const packagePrefix = '~lib/@wasm-engine/assemblyscript/assembly/';

/** CommonFlags.Compiled of asc: the function is reachable. */
const compiledFlag = 1 << 23;

/** asc's options: its own globals that a host would have to supply are served by the SDK. */
export const globalAliases = ['abort', 'seed', 'trace'].map(
  (name) => `${name}=${packagePrefix}substitutes/globals/${name}`,
);

/**
 * Binds the standard library's `console` and `Date.now` to the engine, and takes logging out of `abort` where nothing
 * else logs.
 */
export class EngineTransform {
  afterParse(parser) {
    for (const source of parser.sources) {
      if (source.internalPath !== '~lib/console' && source.internalPath !== '~lib/date') continue;
      for (const statement of source.statements) {
        if (statement.internalPath === '~lib/bindings/dom') {
          statement.internalPath = `${packagePrefix}substitutes/bindings`;
        }
      }
    }
  }

  afterCompile(module) {
    const logged = this.isReachable(`${packagePrefix}host/log`);
    const abort = this.functionOf(`${packagePrefix}substitutes/globals/abort`);
    if (logged || abort === undefined) return;
    const { i32, none } = this.binaryen;
    module.removeFunction(abort.internalName);
    const parameters = this.binaryen.createType([i32, i32, i32, i32]);
    module.addFunction(abort.internalName, parameters, none, [], module.unreachable());
  }

  isReachable(name) {
    return this.functionOf(name) !== undefined;
  }

  functionOf(name) {
    const prototype = this.program.elementsByName.get(name);
    const instances = prototype?.instances;
    if (!instances) return undefined;
    for (const instance of instances.values()) if ((instance.flags & compiledFlag) !== 0) return instance;
    return undefined;
  }
}
