import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, readIdentity, type ProcessIdentity } from './process-identity.js';

/**
 * Who of several processes of one machine holds something: whoever has made the file with the highest number, for as long as that
 * process lives. A file is made only once, and never taken over, so two who find the same dead holder cannot both follow it.
 */
export class Generations {
  private mine: number | undefined = undefined;
  private readonly text: string;
  private readonly folder: string;
  private readonly name: string;

  /**
   * @param prefix of the files, which are called `<prefix>-1` and so on. The folder is there.
   * @param livesHere whether a file with this text is of this process, which is none of before that had its number
   */
  constructor(
    private readonly prefix: string,
    private readonly self: ProcessIdentity & { readonly nonce: string },
    private readonly livesHere: (text: string) => boolean,
  ) {
    this.text = JSON.stringify(self);
    this.folder = path.dirname(prefix);
    this.name = `${path.basename(prefix)}-`;
  }

  get isHeld(): boolean {
    return this.mine !== undefined;
  }

  /** Who holds it; undefined: nobody, or somebody who did not say so. */
  get holder(): ProcessIdentity | undefined {
    return readIdentity(this.textOf(this.highest()) ?? '');
  }

  /** @throws what the file system throws */
  hold(): boolean {
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
    // the one before stays: without it, numbers would begin anew while somebody still counts on
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

  /** Undefined: it is not there. */
  private textOf(n: number): string | undefined {
    try {
      return readFileSync(this.fileOf(n), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** It is written beside before, so that nobody sees half of it. False: another was faster. */
  private make(n: number): boolean {
    const draft = `${this.prefix}-${this.self.nonce}.new`;
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
    return readdirSync(this.folder).flatMap((file) => {
      const number = file.startsWith(this.name) ? file.slice(this.name.length) : '';
      return /^\d{1,15}$/.test(number) ? Number(number) : [];
    });
  }

  private fileOf(n: number): string {
    return `${this.prefix}-${n}`;
  }
}
