// Keeps a balance for each account: of each bill, one person's share. A bill that nobody shares is its end.

import { Agent, Fault, Message, output, register } from "@wasm-engine/assemblyscript";

@json
class Bill {
  account: string = "";
  amount: i32 = 0;
  people: i32 = 1;
}

@json
class Balance {
  account: string = "";
  balance: i32 = 0;
}

@json
class Restarted {
  restarted: u32 = 0;
  imageTick: u64 = 0;
  accounts: i32 = 0;
}

class Ledger extends Agent {
  private balances: Map<string, i32> = new Map();

  onMessage(message: Message): void {
    const bill = message.json<Bill>();
    const account = bill.account;
    const before = this.balances.has(account) ? this.balances.get(account) : 0;
    const balance = before + bill.amount / bill.people;
    this.balances.set(account, balance);
    output<Balance>({ account, balance });
  }

  /** The balances are those of the image: what came since is not in them. */
  onRestart(fault: Fault): void {
    const restarted = fault.incarnation + 1;
    output<Restarted>({ restarted, imageTick: fault.imageTick, accounts: this.balances.size });
  }
}

register<Ledger>();
