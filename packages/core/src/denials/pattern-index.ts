import type { ResolvedHit } from '../identity/resolved-hit.js';
import { GroupIndex } from '../collections/multi-map.js';
import { keyOfAsker, keyOfValues, type NetworkOf, type PatternValues, type Shape } from './pattern.js';

/** Finds by pattern: one look-up per combination of fields in use, however many patterns there are. */
export class PatternIndex<T extends object> {
  private items = new GroupIndex<T>();
  private readonly shapes = new Map<string, Shape>();

  constructor(private readonly networkOfIp: NetworkOf) {}

  add(values: PatternValues, item: T): void {
    const { shapeId, fields, key } = keyOfValues(values, this.networkOfIp);
    this.items.add(key, item);
    const shape = this.shapes.get(shapeId);
    if (shape !== undefined) shape.uses++;
    else this.shapes.set(shapeId, { id: shapeId, fields, prefixLength: values.block?.prefixLength ?? 0, uses: 1 });
  }

  delete(values: PatternValues, item: T): void {
    const { shapeId, key } = keyOfValues(values, this.networkOfIp);
    this.items.delete(key, item);
    const shape = this.shapes.get(shapeId);
    if (shape !== undefined && --shape.uses === 0) this.shapes.delete(shapeId);
  }

  /** The first that fits the asker and passes the test. */
  find(asker: ResolvedHit, test: (item: T) => boolean): T | undefined {
    for (const shape of this.shapes.values()) {
      const key = keyOfAsker(shape, asker);
      const found = key === undefined ? undefined : this.items.find(key, test);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  clear(): void {
    this.items = new GroupIndex<T>();
    this.shapes.clear();
  }
}
