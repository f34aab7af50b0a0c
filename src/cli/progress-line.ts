// One line of progress on standard error, rewritten in place; only where that is a terminal.

/** How often the line changes. */
const intervalMs = 100;

export class ProgressLine {
  #shown: boolean;
  #lastMs = 0;
  #visible = false;

  constructor(shown: boolean = process.stderr.isTTY === true && process.env.TERM !== 'dumb') {
    this.#shown = shown;
  }

  /** Shows a line if it is time; `text` is made only then. */
  update(text: () => string): void {
    if (!this.#shown) return;
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < intervalMs) return;
    this.#lastMs = nowMs;
    this.#visible = true;
    process.stderr.write(`\r${text().slice(0, (process.stderr.columns ?? 80) - 1)}\u001b[K`);
  }

  /** Takes the line away for good. */
  hide(): void {
    this.clear();
    this.#shown = false;
  }

  /** Takes the line away, before anything else is written. */
  clear(): void {
    if (!this.#visible) return;
    this.#visible = false;
    process.stderr.write('\r\u001b[K');
  }
}
