import { constants } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { syncFolder, writeAll } from './durable.js';
import { eachLine, linesOf } from './file-lines.js';

/** Readable and writable by this user only. */
const MODE = 0o600;

/**
 * Lines in a file, for packages that store something: appended and synced to the disk, occasionally replaced as a whole, and
 * intact after a crash. Calls are not queued: the owner makes them one after the other.
 */
export class LineFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Size in bytes. */
    public size: number,
  ) {}

  /**
   * Opens the file, or creates it, readable by this user only. Its content is kept, unless `isNew` is set.
   *
   * @throws Error if it cannot be created or read
   */
  static async open(path: string, isNew = false): Promise<LineFile> {
    const { O_RDWR, O_CREAT, O_TRUNC } = constants;
    const handle = await open(path, O_RDWR | O_CREAT | (isNew ? O_TRUNC : 0), MODE);
    return new LineFile(path, handle, (await handle.stat()).size);
  }

  /**
   * Calls `each` with every whole line, its offset and its length. Once all are read, anything after the last whole line is
   * removed: a crash has cut it short. If `each` throws, the file is not changed.
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
   * Resolves when the text is on the disk.
   *
   * @param text Whole lines, including their ends
   * @param onWritten Called when the text has left this process, so that killing the process does not undo it
   * @throws Error if it cannot be written, in which case none of it is stored; if it was written but could not be synced, that is
   *   unknown
   */
  async append(text: string | Buffer, onWritten?: () => void): Promise<void> {
    await this.add(text);
    onWritten?.();
    await this.handle.datasync();
  }

  /**
   * The same, without a sync.
   *
   * @throws Error if it cannot be written, in which case none of it is stored
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

  /** Reads the text there. Offset and length in bytes. */
  async read(offset: number, length: number): Promise<string> {
    const { buffer, bytesRead } = await this.handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString('utf8', 0, bytesRead);
  }

  /** Replaces another file durably: after a crash, either the old or the new one is there. Use the returned file from then on. */
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
