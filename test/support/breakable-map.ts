/** A backend in memory that can be made to fail, as one behind a network does. */
export class BreakableMap extends Map<string, string> {
  #isBroken = false;

  /** The answer repairs it. */
  break(): () => void {
    this.#isBroken = true;
    return () => {
      this.#isBroken = false;
    };
  }

  override get(key: string): string | undefined {
    this.#throwIfBroken();
    return super.get(key);
  }

  override set(key: string, value: string): this {
    this.#throwIfBroken();
    return super.set(key, value);
  }

  #throwIfBroken(): void {
    if (this.#isBroken) throw new Error('connect ECONNREFUSED 127.0.0.1:6379');
  }
}
