// Which class the entry points serve.

import { Agent } from "./agent";

let make: (() => Agent) | null = null;

/** Says which class is the agent: `register<Hello>()`, once, at the top level of its file. */
export function register<T extends Agent>(): void {
  registerFactory((): Agent => instantiate<T>());
}

/** For the SDK. */
export function registerFactory(factory: () => Agent): void {
  make = factory;
}

/** For the SDK: the agent of this module. */
export function makeAgent(): Agent {
  const factory = make;
  if (!factory) throw new Error("No agent: end the file with register<YourAgent>()");
  return factory();
}
