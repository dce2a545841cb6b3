/** Remembers the ids that were added last: at least `capacity` of them, and at most twice as many. */
export class RecentIds {
  readonly #capacity: number;
  #newer = new Set<string>();
  #older: ReadonlySet<string> = new Set();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  has(id: string): boolean {
    return this.#newer.has(id) || this.#older.has(id);
  }

  add(id: string): void {
    if (this.#newer.size === this.#capacity) {
      this.#older = this.#newer;
      this.#newer = new Set();
    }
    this.#newer.add(id);
  }
}
