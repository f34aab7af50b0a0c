// The desk: collects the alerts of a month, and tells what one industry does alone from what many do together.

import { Agent, Message, output, register, setTimer, Timer } from "@wasm-engine/assemblyscript";
import { Alert } from "./shared/alert";

@json
class Config {
  names: string[] = [];
  /** Alerts of one month from which they are one event. */
  together: i32 = 3;
}

@json
class Finding {
  kind: string = "";
  month: string = "";
  industries: string[] = [];
  /** The highest of their scores. */
  score: f64 = 0;
}

class Desk extends Agent {
  private config: Config = new Config();
  private alerts: Alert[] = [];

  onConfig(config: Message): void {
    this.config = config.json<Config>();
  }

  onMessage(message: Message): void {
    // Those of a month come in one tick: what the model was asked in one tick it answers in one.
    if (this.alerts.length == 0) setTimer(1);
    this.alerts.push(message.json<Alert>());
  }

  onTimer(timer: Timer): void {
    const finding = new Finding();
    for (let i = 0; i < this.alerts.length; i++) {
      const alert = this.alerts[i];
      finding.month = alert.month;
      finding.industries.push(this.config.names[alert.industry]);
      finding.score = max(finding.score, alert.score);
    }
    finding.kind = this.alerts.length >= this.config.together ? "together" : "alone";
    this.alerts = [];
    output<Finding>(finding);
  }
}

register<Desk>();
