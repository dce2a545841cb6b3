/** Shows one line on standard error again and again, if that is a terminal. */
export class ProgressLine {
  readonly #isShown = process.stderr.isTTY === true;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** Shows the text, at most ten times a second. */
  show(text: string): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#lastMs < 100) return;
    this.#lastMs = nowMs;
    process.stderr.write(`\r\u001b[2K${text}`);
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[2K');
  }
}
