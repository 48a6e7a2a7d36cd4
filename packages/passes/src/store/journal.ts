import { type FileHandle, open, rename } from 'node:fs/promises';

/** So much is written at once when the file is written anew. */
const CHUNK = 1 << 20;
/** For this user only. */
const MODE = 0o600;

/** A file that lines are appended to, and that is sometimes replaced as a whole. What was appended is on the disk. */
export class Journal {
  private waiting = '';
  private next: Promise<void> | undefined = undefined;
  /** What is being done, one thing after the other. */
  private busy: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly path: string,
    private file: FileHandle,
  ) {}

  /** @throws what the file system throws */
  static async open(path: string): Promise<Journal> {
    return new Journal(path, await open(path, 'a', MODE));
  }

  /** Resolves when the line is on the disk; those that come meanwhile are written together. */
  append(line: string): Promise<void> {
    this.waiting += line;
    return (this.next ??= this.inTurn(async () => {
      const lines = this.waiting;
      this.waiting = '';
      this.next = undefined;
      const { size } = await this.file.stat();
      try {
        await this.file.appendFile(lines);
        await this.file.datasync();
      } catch (error) {
        // Half a line would make the next one unreadable.
        await this.file.truncate(size).catch(() => undefined);
        throw error;
      }
    }));
  }

  /** Another file, with these lines, takes the place of this one: all of it or nothing. */
  replace(lines: () => Iterable<string>): Promise<void> {
    return this.inTurn(async () => {
      const path = `${this.path}.new`;
      const file = await open(path, 'w', MODE);
      try {
        let chunk = '';
        for (const line of lines()) {
          chunk += line;
          if (chunk.length < CHUNK) continue;
          await file.appendFile(chunk);
          chunk = '';
        }
        await file.appendFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(path, this.path);
      await this.file.close();
      this.file = await open(this.path, 'a', MODE);
    });
  }

  /** Calling it again is harmless. */
  close(): Promise<void> {
    return this.inTurn(() => this.file.close());
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.busy.then(work);
    this.busy = done.catch(() => undefined);
    return done;
  }
}
