// Told when other agents fail, and tells the world.

import { Agent, AgentId, Fault, find, Message, output, Recovery, register } from "@wasm-engine/assemblyscript";

@json
class Config {
  watch: string[] = [];
}

@json
class Report {
  agent: string = "";
  fault: i32 = 0;
  tick: u64 = 0;
  becomes: string = "";
  failures: u32 = 0;
}

function fateOf(fault: Fault): string {
  if (fault.recovery == Recovery.None) return "stays failed";
  const from = fault.recovery == Recovery.FromImage ? `its image of tick ${fault.imageTick}` : "its init";
  return `restarts in tick ${fault.restartTick} from ${from}`;
}

class Warden extends Agent {
  private names: Map<u64, string> = new Map();

  onConfig(config: Message): void {
    const watch = config.json<Config>().watch;
    for (let i = 0; i < watch.length; i++) {
      const agent = find(watch[i]);
      if (agent) this.names.set(agent.key, watch[i]);
    }
  }

  onFault(fault: Fault): void {
    const agent = this.nameOf(fault.agent);
    output<Report>({ agent, fault: fault.kind, tick: fault.tick, becomes: fateOf(fault), failures: fault.count });
  }

  private nameOf(agent: AgentId): string {
    return this.names.has(agent.key) ? this.names.get(agent.key) : agent.toString();
  }
}

register<Warden>();
