import { ShardedMap } from './sharded-map.js';

/** Maps each key to the items that share it. Most keys have one item, for which nothing extra is allocated. */
export class MultiMap<T extends object> {
  private readonly groups = new ShardedMap<T | Set<T>>();

  add(key: string, item: T): void {
    const group = this.groups.getOrSet(key, item);
    if (group === undefined || group === item) return;
    if (group instanceof Set) group.add(item);
    else this.groups.set(key, new Set([group, item]));
  }

  delete(key: string, item: T): void {
    if (this.groups.deleteOnly(key, item)) return;
    const group = this.groups.get(key);
    if (group instanceof Set) {
      group.delete(item);
      if (group.size === 1) for (const last of group) this.groups.set(key, last);
    }
  }

  size(key: string): number {
    const group = this.groups.get(key);
    return group === undefined ? 0 : group instanceof Set ? group.size : 1;
  }

  /** The best of at most `max` members, according to `isBetter`; for a large group that is good enough. */
  best(key: string, max: number, isBetter: (item: T, than: T) => boolean): T | undefined {
    const group = this.groups.get(key);
    if (!(group instanceof Set)) return group;
    let best: T | undefined;
    let seen = 0;
    for (const item of group) {
      if (seen++ === max) break;
      if (best === undefined || isBetter(item, best)) best = item;
    }
    return best;
  }

  /** The only member that passes the test; undefined if several do, or if there are more than `max` members to check. */
  only(key: string, max: number, test: (item: T) => boolean): T | undefined {
    const group = this.groups.get(key);
    if (group === undefined) return undefined;
    if (!(group instanceof Set)) return test(group) ? group : undefined;
    if (group.size > max) return undefined;
    let only: T | undefined;
    for (const item of group) {
      if (!test(item)) continue;
      if (only !== undefined) return undefined;
      only = item;
    }
    return only;
  }

  /** The first member that passes the test. */
  find(key: string, test: (item: T) => boolean): T | undefined {
    const group = this.groups.get(key);
    if (group === undefined) return undefined;
    if (!(group instanceof Set)) return test(group) ? group : undefined;
    for (const item of group) if (test(item)) return item;
    return undefined;
  }

  /** A copy, so that the caller may remove members while iterating. */
  members(key: string): T[] {
    const group = this.groups.get(key);
    return group === undefined ? [] : group instanceof Set ? [...group] : [group];
  }
}
