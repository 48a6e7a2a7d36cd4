import { ownCopy } from '../support/strings.js';

/** Two generations of look-ups: cheap, bounded, and what is used stays. */
export class Recent {
  private young = new Map<string, string>();
  private old = new Map<string, string>();

  /** @param max Of each generation. */
  constructor(private readonly max: number) {}

  get(key: string): string | undefined {
    const found = this.young.get(key);
    if (found !== undefined) return found;
    const older = this.old.get(key);
    return older === undefined ? undefined : this.set(key, older);
  }

  set(key: string, value: string): string {
    if (this.young.size >= this.max) {
      this.old = this.young;
      this.young = new Map();
    }
    const kept = ownCopy(key);
    this.young.set(kept, value === key ? kept : value);
    return value === key ? kept : value;
  }
}
