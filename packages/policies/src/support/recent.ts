/**
 * A map that drops the least recently used entry when it is full. It is exact, unlike core's `RecentMap`: how many tokens are
 * remembered is an option that determines whether a forged spelling of a signature is noticed.
 */
export class Recent<V> {
  private readonly entries = new Map<string, V>();

  constructor(private readonly max: number) {}

  get size(): number {
    return this.entries.size;
  }

  get(key: string): V | undefined {
    const value = this.entries.get(key);
    if (value !== undefined) {
      this.entries.delete(key);
      this.entries.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.max) return;
      this.entries.delete(oldest);
    }
  }

  /** Removes entries like this, from the oldest on. */
  forget(isOver: (value: V) => boolean): void {
    for (const [key, value] of this.entries) {
      if (!isOver(value)) return;
      this.entries.delete(key);
    }
  }

  delete(key: string): void {
    this.entries.delete(key);
  }
}
