// What authors import: `import { Agent, Message } from "@wasm-engine/assemblyscript"`.

export * from "./assembly/index";
