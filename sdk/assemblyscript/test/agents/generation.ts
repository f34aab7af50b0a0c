// Asks for a text with every message, and tells what each piece holds.

import {
  Agent,
  ChatMessage,
  FinishReason,
  generate,
  generateFromMessages,
  generateFromTokens,
  Message,
  outputText,
  register,
  TextOptions,
  TextPiece,
} from "@wasm-engine/assemblyscript";

class Writer extends Agent {
  onMessage(message: Message): void {
    const options = new TextOptions();
    if (message.text() == "tokens") {
      options.tokensMax = 65536;
      options.tokensPerTick = 1;
      options.temperature = 0.75;
      options.topK = 40;
      options.topP = 0.5;
      options.seed = 0xfedcba9876543210;
      options.stopTokens = [7, 9];
      generateFromTokens("größe", [1, 2, 300], options, -7);
      return;
    }
    options.tokensMax = 16;
    options.tokensPerTick = 4;
    options.temperature = 0;
    if (message.text() == "messages") {
      options.stopTokens = [9];
      generateFromMessages("größe", [new ChatMessage("system", "größe"), new ChatMessage("user", "")], options, -7);
      return;
    }
    generate("größe", message.text(), options);
  }

  onText(piece: TextPiece): void {
    const reason = piece.reason == FinishReason.Stop ? "stop" : piece.reason == FinishReason.Length ? "length" : "";
    const tokens = piece.tokens().join(",");
    const ended = piece.last ? "last" : "";
    outputText(`${piece.status} ${piece.part} [${tokens}] ${reason} ${ended} ${piece.text}`);
  }
}

register<Writer>();
