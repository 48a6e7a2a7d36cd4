/** Records that packages of an earlier process left, until their owners take them. */
export class LeftRecords {
  private readonly byOwner = new Map<string, Map<string, unknown>>();

  /** `name`: its owner, a slash, and its id. */
  add(name: string, value: unknown): void {
    const end = name.indexOf('/');
    const owner = name.slice(0, end);
    const id = name.slice(end + 1);
    const records = this.byOwner.get(owner);
    if (records === undefined) this.byOwner.set(owner, new Map([[id, value]]));
    else records.set(id, value);
  }

  take(owner: string): ReadonlyMap<string, unknown> {
    const records = this.byOwner.get(owner);
    this.byOwner.delete(owner);
    return records ?? new Map();
  }

  /** Records that nobody has taken. */
  *rest(): IterableIterator<[owner: string, id: string]> {
    for (const [owner, records] of this.byOwner) for (const id of records.keys()) yield [owner, id];
  }

  clear(): void {
    this.byOwner.clear();
  }
}
