import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, readIdentity, type ProcessIdentity } from '@stream-sessions/core/spi';

const NAME = /^holder-(\d{1,15})$/;

/**
 * Who of several processes holds a folder: whoever has made the file with the highest number in it, for as long as that process
 * lives. A file is made only once, and never taken over, so two who find the same dead holder cannot both follow it.
 */
export class Generations {
  private mine: number | undefined = undefined;
  private readonly text: string;

  constructor(
    private readonly folder: string,
    private readonly self: ProcessIdentity & { readonly nonce: string },
    /** Whether it is of this process, which is none of before that had its number. */
    private readonly livesHere: (text: string) => boolean,
  ) {
    this.text = JSON.stringify(self);
  }

  get isHeld(): boolean {
    return this.mine !== undefined;
  }

  /** @throws what the file system throws */
  hold(): boolean {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const highest = this.highest();
    if (this.mine !== undefined && this.mine === highest && this.textOf(highest) === this.text) return true;
    this.mine = undefined; // somebody has removed it
    if (highest > 0 && this.isHolderAlive(highest)) return false;
    const next = highest + 1;
    if (!this.make(next)) return false;
    // who looked a long time ago makes what was there before
    if (this.highest() !== next) {
      rmSync(this.fileOf(next), { force: true });
      return false;
    }
    this.mine = next;
    for (const n of this.numbers()) if (n < next - 1) rmSync(this.fileOf(n), { force: true });
    return true;
  }

  release(): void {
    if (this.mine !== undefined && this.textOf(this.mine) === this.text)
      rmSync(this.fileOf(this.mine), { force: true });
    this.mine = undefined;
  }

  private isHolderAlive(n: number): boolean {
    const text = this.textOf(n);
    // it has just been given back, or followed: who asks again will know
    if (text === undefined || this.livesHere(text)) return true;
    const holder = readIdentity(text);
    return holder !== undefined && isAlive(holder);
  }

  private textOf(n: number): string | undefined {
    try {
      return readFileSync(this.fileOf(n), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** It is written beside before, so that nobody sees half of it. False: another was faster. */
  private make(n: number): boolean {
    const draft = path.join(this.folder, `${this.self.nonce}.new`);
    writeFileSync(draft, this.text, { mode: 0o600 });
    try {
      linkSync(draft, this.fileOf(n));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  private highest(): number {
    return Math.max(0, ...this.numbers());
  }

  private numbers(): number[] {
    return readdirSync(this.folder).flatMap((name) => Number(NAME.exec(name)?.[1] ?? []));
  }

  private fileOf(n: number): string {
    return path.join(this.folder, `holder-${n}`);
  }
}
