// One industry: sees a month at a time, asks the model how unusual the change is, and tells the desk what is.

import {
  Agent,
  AgentId,
  Answer,
  AnswerStatus,
  find,
  infer,
  Message,
  register,
  self,
  send,
  Tensor,
  warn,
} from "@wasm-engine/assemblyscript";
import { Alert } from "./shared/alert";

/** Months before the one that is judged. */
const history: i32 = 6;

@json
class Config {
  /** Score from which a month is told. */
  threshold: f64 = 4;
}

@json
class Month {
  month: string = "";
  /** Thousands of persons. */
  persons: f64 = 0;
}

class Industry extends Agent {
  private threshold: f64 = 4;
  private last: f64 = 0;
  /** Monthly changes in per cent, the oldest first. */
  private changes: f32[] = [];
  /** Months that the model was asked about, by the number of the request. */
  private asked: Map<i32, string> = new Map<i32, string>();
  private desk: AgentId | null = null;

  onStart(): void {
    this.desk = find("desk");
  }

  onConfig(config: Message): void {
    this.threshold = config.json<Config>().threshold;
  }

  onMessage(message: Message): void {
    const month = message.json<Month>();
    if (this.last > 0) this.judge(month.month, <f32>((month.persons / this.last - 1) * 100));
    this.last = month.persons;
  }

  onAnswer(answer: Answer): void {
    const month = this.asked.get(answer.request);
    this.asked.delete(answer.request);
    if (answer.status != AnswerStatus.Ok) {
      warn(month + ": " + answer.text);
      return;
    }
    const score = answer.tensor("score").values<f32>()[0];
    if (<f64>score < this.threshold) return;
    const desk = this.desk;
    // To a hundredth: nobody reads more.
    if (desk) send<Alert>(desk, { month, industry: self().counter - 1, score: Math.round(<f64>score * 100) / 100 });
  }

  private judge(month: string, change: f32): void {
    if (this.changes.length == history) {
      const request = infer("employment", [
        Tensor.float32("history", [1, history], this.changes),
        Tensor.float32("change", [1, 1], [change]),
        Tensor.int64("industry", [1], [<i64>self().counter - 1]),
      ]);
      if (request >= 0) this.asked.set(request, month);
      this.changes.shift();
    }
    this.changes.push(change);
  }
}

register<Industry>();
