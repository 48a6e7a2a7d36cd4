/** The number of emptied places that are released at once. */
const COMPACT_AT = 1024;

/** A FIFO queue whose items can also be found and removed by position, which never changes. */
export class Queue<T> {
  size = 0;
  /** The position of the item that was shifted last. */
  shifted = -1;
  private items: (T | undefined)[] = [];
  private head = 0;
  /** The position of `items[0]`. */
  private base = 0;

  /** Returns its position. */
  push(item: T): number {
    this.size++;
    return this.base + this.items.push(item) - 1;
  }

  /** The item that `shift` would remove. */
  first(): T | undefined {
    for (let i = this.head; i < this.items.length; i++) if (this.items[i] !== undefined) return this.items[i];
    return undefined;
  }

  at(position: number): T | undefined {
    return position < this.base + this.head ? undefined : this.items[position - this.base];
  }

  remove(position: number): T | undefined {
    const item = this.at(position);
    if (item === undefined) return undefined;
    this.items[position - this.base] = undefined;
    this.size--;
    return item;
  }

  /** Removes the first item; `shifted` is then its position. Undefined: the queue is empty. */
  shift(): T | undefined {
    while (this.head < this.items.length) {
      this.shifted = this.base + this.head;
      const item = this.items[this.head];
      this.items[this.head++] = undefined;
      if (this.head >= COMPACT_AT && this.head * 2 >= this.items.length) this.compact();
      if (item === undefined) continue;
      this.size--;
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.base += this.items.length;
    this.items = [];
    this.head = this.size = 0;
  }

  private compact(): void {
    this.items = this.items.slice(this.head);
    this.base += this.head;
    this.head = 0;
  }
}
