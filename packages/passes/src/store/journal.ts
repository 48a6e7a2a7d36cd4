import { LineFile } from '@stream-sessions/core/spi';

/** How much is written at once when the file is rewritten. Characters. */
const CHUNK = 1 << 20;

/** A file to which lines are appended, and which is occasionally replaced as a whole. Appended lines are on the disk. */
export class Journal {
  private waiting = '';
  private next: Promise<void> | undefined = undefined;
  /** Operations run one after the other. */
  private busy: Promise<unknown> = Promise.resolve();

  private constructor(private file: LineFile) {}

  /**
   * Opens it, and calls `each` with every line.
   *
   * @throws a file-system error, or what `each` throws: the file is not changed then
   */
  static async open(path: string, each: (line: string) => void): Promise<Journal> {
    const file = await LineFile.open(path);
    try {
      await file.readAll(each);
    } catch (error) {
      await file.close();
      throw error;
    }
    return new Journal(file);
  }

  /** Resolves when the line is on the disk; lines that arrive meanwhile are written together. */
  append(line: string): Promise<void> {
    this.waiting += line;
    return (this.next ??= this.inTurn(async () => {
      const lines = this.waiting;
      this.waiting = '';
      this.next = undefined;
      await this.file.append(lines);
    }));
  }

  /** Replaces this file with another one that contains these lines: all or nothing. */
  replace(lines: () => Iterable<string>): Promise<void> {
    return this.inTurn(async () => {
      const { path } = this.file;
      const fresh = await LineFile.open(`${path}.new`, true);
      try {
        let chunk = '';
        for (const line of lines()) {
          chunk += line;
          if (chunk.length < CHUNK) continue;
          await fresh.add(chunk);
          chunk = '';
        }
        await fresh.add(chunk);
        const old = this.file;
        this.file = await fresh.takePlaceOf(path);
        void old.close().catch(() => undefined);
      } catch (error) {
        await fresh.close();
        throw error;
      }
    });
  }

  /** Safe to call twice. */
  close(): Promise<void> {
    return this.inTurn(() => this.file.close());
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.busy.then(work);
    this.busy = done.catch(() => undefined);
    return done;
  }
}
