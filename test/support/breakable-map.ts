/** A backend in memory that a test can make fail, as a backend behind a network does. */
export class BreakableMap extends Map<string, string> {
  #isBroken = false;

  /** Makes get and set throw until the returned function repairs the backend. */
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
