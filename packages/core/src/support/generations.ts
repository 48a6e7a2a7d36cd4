import { linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, readIdentity, type ProcessIdentity } from './process-identity.js';

/**
 * Decides which of several processes on one machine holds something: the one that created the file with the highest number, for
 * as long as that process lives. A file is created only once and never taken over, so two processes that find the same dead
 * holder cannot both succeed it.
 */
export class Generations {
  private mine: number | undefined = undefined;
  private readonly text: string;
  private readonly folder: string;
  private readonly name: string;

  /**
   * @param prefix The prefix of the files, which are called `<prefix>-1` and so on. Their folder must exist.
   * @param livesHere Whether a file with this text belongs to this process, rather than to an earlier one with the same pid
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

  /** The holder; undefined: there is none, or it did not identify itself. */
  get holder(): ProcessIdentity | undefined {
    return readIdentity(this.textOf(this.highest()) ?? '');
  }

  /** @throws a file-system error */
  hold(): boolean {
    const highest = this.highest();
    if (this.mine !== undefined && this.mine === highest && this.textOf(highest) === this.text) return true;
    this.mine = undefined; // somebody has removed it
    if (highest > 0 && this.isHolderAlive(highest)) return false;
    const next = highest + 1;
    if (!this.make(next)) return false;
    // a process that looked long ago may create a number that existed before
    if (this.highest() !== next) {
      rmSync(this.fileOf(next), { force: true });
      return false;
    }
    this.mine = next;
    // the previous one stays: without it, numbers would start over while others still count on
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
    // it has just been released or succeeded: a retry will tell
    if (text === undefined || this.livesHere(text)) return true;
    const holder = readIdentity(text);
    return holder !== undefined && isAlive(holder);
  }

  /** Undefined: the file does not exist. */
  private textOf(n: number): string | undefined {
    try {
      return readFileSync(this.fileOf(n), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Written to a draft first, so that nobody reads half of it. False: another process was faster. */
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
