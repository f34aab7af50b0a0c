# A process that measures the kernels under Wasmtime: python wasmtime-process.py MODULE ROUNDS NAME=SIZE... It prints one
# line of JSON a kernel: least times in milliseconds, plain, and with fuel, and with fuel and canonical NaN.
import json
import sys
import time
from wasmtime import Config, Engine, Instance, Module, Store

FUEL = 10**15


def make(path, fuel, nan):
    config = Config()
    if fuel:
        config.consume_fuel = True
    if nan:
        config.cranelift_nan_canonicalization = True
    engine = Engine(config)
    store = Store(engine)
    if fuel:
        store.set_fuel(FUEL)
    instance = Instance(store, Module.from_file(engine, path), [])
    return store, instance.exports(store), fuel


def least(variant, name, size, rounds):
    store, exports, fuel = variant
    function = exports[name]
    times = []
    for _ in range(rounds):
        if fuel:
            store.set_fuel(FUEL)
        started = time.perf_counter()
        function(store, size)
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def main():
    path, rounds, *kernels = sys.argv[1:]
    kinds = [(False, False), (True, False)]
    if hasattr(Config, "cranelift_nan_canonicalization"):
        kinds.append((True, True))
    variants = [make(path, fuel, nan) for fuel, nan in kinds]
    for kernel in kernels:
        name, size = kernel.split("=")
        ms = [least(variant, name, int(size), int(rounds)) for variant in variants]
        print(json.dumps({"name": name, "ms": ms}))


main()
