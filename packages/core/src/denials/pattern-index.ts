import type { KeyedHash } from '../identity/keyed-hash.js';
import type { ResolvedHit } from '../identity/resolved-hit.js';
import { MultiMap } from '../collections/multi-map.js';
import { keyOfHit, keyOfValues, type NetworkOf, type DenialPattern, type Shape } from './pattern.js';

/** Finds items by pattern: one look-up per combination of fields in use, however many patterns there are. */
export class PatternIndex<T extends object> {
  private items = new MultiMap<T>();
  private readonly shapes = new Map<string, Shape>();

  constructor(
    private readonly networkOfIp: NetworkOf,
    private readonly hash: KeyedHash,
  ) {}

  add(values: DenialPattern, item: T): void {
    const { shapeId, fields, key } = keyOfValues(values, this.networkOfIp);
    this.items.add(key, item);
    const shape = this.shapes.get(shapeId);
    if (shape !== undefined) shape.uses++;
    else this.shapes.set(shapeId, { id: shapeId, fields, prefixLength: values.block?.prefixLength ?? 0, uses: 1 });
  }

  delete(values: DenialPattern, item: T): void {
    const { shapeId, key } = keyOfValues(values, this.networkOfIp);
    this.items.delete(key, item);
    const shape = this.shapes.get(shapeId);
    if (shape !== undefined && --shape.uses === 0) this.shapes.delete(shapeId);
  }

  /** The first item that matches the hit and passes the test. */
  find(resolved: ResolvedHit, test: (item: T) => boolean): T | undefined {
    for (const shape of this.shapes.values()) {
      const key = keyOfHit(shape, resolved, this.hash);
      const found = key === undefined ? undefined : this.items.find(key, test);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  clear(): void {
    this.items = new MultiMap<T>();
    this.shapes.clear();
  }
}
