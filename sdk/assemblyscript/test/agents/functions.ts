// An agent as a few functions.

import { onMessage, onShutdown, outputText } from "@wasm-engine/assemblyscript";

let count = 0;

onMessage((message) => {
  count++;
  outputText(message.text());
});

onShutdown(() => {
  outputText(`${count} messages`);
});
