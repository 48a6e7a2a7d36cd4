import { constants } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { syncFolder, writeAll } from './durable.js';
import { eachLine, linesOf } from './file-lines.js';

/** For this user only. */
const MODE = 0o600;

/**
 * Lines in a file, for packages that keep something: appended at its end and synced to the disk, now and then replaced as a
 * whole, and whole again after a crash. Calls do not wait for each other: whoever has it makes them one after the other.
 */
export class LineFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Bytes. */
    public size: number,
  ) {}

  /**
   * Opens the file, or makes it, readable by this user only. What it has is kept, unless it is to be `isNew`.
   *
   * @throws Error when it cannot be made or read
   */
  static async open(path: string, isNew = false): Promise<LineFile> {
    const { O_RDWR, O_CREAT, O_TRUNC } = constants;
    const handle = await open(path, O_RDWR | O_CREAT | (isNew ? O_TRUNC : 0), MODE);
    return new LineFile(path, handle, (await handle.stat()).size);
  }

  /**
   * Calls `each` with every whole line, and where it lies. Once all are read, what follows the last of them goes: a crash has
   * cut it short. If `each` throws, nothing of the file is changed.
   */
  async readAll(each: (line: string, offset: number, length: number) => void): Promise<void> {
    let end = 0;
    for await (const lines of linesOf(this.handle, 0, this.size)) {
      eachLine(lines, (from, to, offset) => {
        each(lines.data.toString('utf8', from, to), offset, to + 1 - from);
        end = offset + to + 1 - from;
      });
    }
    if (end < this.size) await this.handle.truncate(end);
    this.size = end;
  }

  /**
   * Resolves when it is on the disk.
   *
   * @param text whole lines, with their ends
   * @param onWritten called when it has left this process, which a kill does not undo
   * @throws Error when it cannot be written; then none of it is there. Where it was written and could not be synced, nobody knows
   */
  async append(text: string | Buffer, onWritten?: () => void): Promise<void> {
    await this.add(text);
    onWritten?.();
    await this.handle.datasync();
  }

  /**
   * The same, without a sync.
   *
   * @throws Error when it cannot be written; then none of it is there
   */
  async add(text: string | Buffer): Promise<void> {
    const bytes = Buffer.from(text as string);
    try {
      this.size += await writeAll(this.handle, bytes, this.size);
    } catch (error) {
      // Half a line would make the next one unreadable.
      await this.handle.truncate(this.size).catch(() => undefined);
      throw error;
    }
  }

  /** What lies there. Bytes. */
  async read(offset: number, length: number): Promise<string> {
    const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString('utf8', 0, bytesRead);
  }

  /** Takes the place of another file, for good: a crash finds the one or the other. Use what this returns from then on. */
  async takePlaceOf(path: string): Promise<LineFile> {
    await this.handle.datasync();
    await rename(this.path, path);
    await syncFolder(path);
    return new LineFile(path, this.handle, this.size);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
