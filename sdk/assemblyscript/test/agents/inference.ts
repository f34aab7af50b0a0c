// Asks with what it was answered: what comes in as tensors goes out as tensors.

import { Agent, Answer, AnswerStatus, infer, outputText, register } from "@wasm-engine/assemblyscript";

class Echo extends Agent {
  onAnswer(answer: Answer): void {
    if (answer.status == AnswerStatus.Ok) infer("größe", answer.tensors(), answer.tag - answer.request);
    else outputText(`${answer.status} ${answer.text}`);
  }
}

register<Echo>();
