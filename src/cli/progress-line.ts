/** Shows one line on standard error again and again, if that is a terminal. */
export class ProgressLine {
  readonly #isShown = process.stderr.isTTY === true;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Shows the text, at most ten times a second. */
  show(text: string): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    const width = (process.stderr.columns || 80) - 1; // A line that wraps would not be removed.
    process.stderr.write(`\r\u001b[2K${text.slice(0, width)}`);
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[2K');
  }
}
