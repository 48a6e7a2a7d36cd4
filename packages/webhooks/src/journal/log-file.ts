import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import path from 'node:path';

const NEWLINE = 0x0a;
const CHUNK = 1024 * 1024;

/** Lines in a file, appended and synced together. */
export class LogFile {
  private constructor(
    readonly path: string,
    private handle: FileHandle,
    /** Bytes. */
    public size: number,
  ) {}

  /** @throws Error when it cannot be made or read */
  static async open(file: string, isNew = false): Promise<LogFile> {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const { O_RDWR, O_CREAT, O_TRUNC } = constants;
    const handle = await open(file, O_RDWR | O_CREAT | (isNew ? O_TRUNC : 0), 0o600);
    return new LogFile(file, handle, (await handle.stat()).size);
  }

  /** Every whole line, and where it lies. What follows the last of them was cut short by a crash, and goes. */
  async readAll(each: (line: string, offset: number, length: number) => void): Promise<void> {
    let start = 0;
    let rest = Buffer.alloc(0);
    for (let at = 0; ;) {
      const { bytesRead, buffer } = await this.handle.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      let from = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, from)) {
        each(rest.toString('utf8', from, end), start, end + 1 - from);
        start += end + 1 - from;
        from = end + 1;
      }
      rest = rest.subarray(from);
    }
    if (start < this.size) await this.handle.truncate(start);
    this.size = start;
  }

  /**
   * Resolves when it is on the disk.
   *
   * @param written called when it has left this process, which a kill does not undo
   * @throws Error when it cannot be written; then none of it is there
   */
  async append(text: Buffer, written: () => void): Promise<void> {
    await this.add(text);
    written();
    await this.handle.datasync();
  }

  /** @throws Error when it cannot be written; then none of it is there */
  async add(text: string | Buffer): Promise<void> {
    const bytes = Buffer.from(text as string);
    let done = 0;
    try {
      while (done < bytes.length) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, this.size + done);
        done += bytesWritten;
      }
    } catch (error) {
      // half a line would make the next one unreadable
      await this.handle.truncate(this.size).catch(() => undefined);
      throw error;
    }
    this.size += bytes.length;
  }

  async read(offset: number, length: number): Promise<string> {
    const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString('utf8', 0, bytesRead);
  }

  /** For good: a crash finds the one or the other. */
  async takePlaceOf(file: string): Promise<LogFile> {
    await this.handle.datasync();
    await rename(this.path, file);
    const folder = await open(path.dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
    return new LogFile(file, this.handle, this.size);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
