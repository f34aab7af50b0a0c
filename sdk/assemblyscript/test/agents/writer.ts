// Has a model write on what each message says, and tells the whole text when it is there.

import { generate, onMessage, onText, outputText, TextOptions } from "@wasm-engine/assemblyscript";

let text = "";
let pieces = 0;

onMessage((message) => {
  const options = new TextOptions();
  options.tokensMax = 20;
  options.tokensPerTick = 6;
  options.topK = 40;
  generate("writer", message.text(), options);
});

onText((piece) => {
  text += piece.text;
  pieces++;
  if (piece.last) outputText(`${piece.status} ${pieces} ${text}`);
});
