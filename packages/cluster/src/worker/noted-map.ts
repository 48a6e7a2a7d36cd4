/** A map that reports which of its keys were set or deleted. */
export class NotedMap<V> extends Map<string, V> {
  constructor(private readonly onChange: (key: string) => void) {
    super();
  }

  override set(key: string, value: V): this {
    this.onChange(key);
    return super.set(key, value);
  }

  override delete(key: string): boolean {
    this.onChange(key);
    return super.delete(key);
  }
}
