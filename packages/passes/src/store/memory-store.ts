import { applyChange, applySpending } from '../rules/spending.js';
import type { Pass, PassChange, PassStore, Spending } from '../types/store.js';

/** Stores passes in memory: they are gone with the process. Answers synchronously. */
export class MemoryPassStore implements PassStore {
  private readonly passes = new Map<string, Pass>();
  /** Most owners have one pass: its id then stands for the list. */
  private readonly byOwner = new Map<string, string | string[]>();

  get size(): number {
    return this.passes.size;
  }

  add(pass: Pass): Pass {
    const known = this.passes.get(pass.id);
    if (known !== undefined) return known;
    this.put(pass);
    return pass;
  }

  /** Stores it, replacing whatever was stored under its id. */
  put(pass: Pass): void {
    if (!this.passes.has(pass.id)) {
      const ids = this.byOwner.get(pass.owner);
      this.byOwner.set(pass.owner, ids === undefined ? pass.id : [ids, pass.id].flat());
    }
    this.passes.set(pass.id, pass);
  }

  get(id: string): Pass | undefined {
    return this.passes.get(id);
  }

  list(owner: string): readonly Pass[] {
    return [this.byOwner.get(owner) ?? []].flat().map((id) => this.passes.get(id) as Pass);
  }

  spend(id: string, spending: Spending): Pass | undefined {
    return this.replace(id, (pass) => applySpending(pass, spending));
  }

  change(id: string, change: PassChange): Pass | undefined {
    return this.replace(id, (pass) => applyChange(pass, change));
  }

  /** All of them, oldest first. */
  all(): IterableIterator<Pass> {
    return this.passes.values();
  }

  private replace(id: string, next: (pass: Pass) => Pass): Pass | undefined {
    const known = this.passes.get(id);
    if (known === undefined) return undefined;
    const pass = next(known);
    this.passes.set(id, pass);
    return pass;
  }
}

/** Passes in the memory of this process: for tests, or if something else records what was bought. */
export const memoryPassStore = (): PassStore => new MemoryPassStore();
