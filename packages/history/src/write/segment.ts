import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import type { JournalRecord } from '../types/visit-row.js';

/**
 * A part of the journal: a file, and what is in it as long as there is room for that in memory. It is no `LineFile` of core, for
 * that one waits for the disk at each append: a file that is gone in some milliseconds, when the database has it, need not.
 */
export class Segment {
  /** Undefined: it has to be read from the file. */
  records: JournalRecord[] | undefined = [];
  /** Bytes in the file, and of the lines that wait. */
  bytes = 0;
  /** What it holds is on the disk, or will be: false when that failed. */
  isSafe = true;
  private lines: string[] = [];
  private handle: FileHandle | undefined = undefined;
  private writing: Promise<void> | undefined = undefined;

  constructor(readonly path: string) {}

  /** One that an earlier process has left. */
  static left(path: string, bytes: number): Segment {
    const segment = new Segment(path);
    segment.records = undefined;
    segment.bytes = bytes;
    return segment;
  }

  /** @param failed when it cannot be written: the record is in memory alone */
  add(record: JournalRecord, failed: (error: unknown) => void): void {
    const line = `${JSON.stringify(record)}\n`;
    this.records?.push(record);
    this.bytes += line.length;
    if (!this.isSafe) return;
    this.lines.push(line);
    this.writing ??= this.write().catch((error: unknown) => {
      this.isSafe = false;
      this.lines = [];
      failed(error);
    });
  }

  /** All that is in it. A line that a crash cut short is none. */
  async read(): Promise<JournalRecord[]> {
    if (this.records !== undefined) return this.records;
    await this.writing;
    const text = await readFile(this.path, 'utf8');
    return text.split('\n').flatMap((line) => parsed(line) ?? []);
  }

  /** What was added is out of this process. */
  async written(): Promise<void> {
    await this.writing;
  }

  /** Its records are where they belong. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.writing;
    await this.handle?.close();
    this.handle = undefined;
  }

  /** Lines that come while others are written go together. */
  private async write(): Promise<void> {
    this.handle ??= await open(this.path, 'a', 0o600);
    while (this.lines.length > 0) {
      const text = this.lines.join('');
      this.lines = [];
      await this.handle.appendFile(text);
    }
    this.writing = undefined;
  }
}

function parsed(line: string): JournalRecord | undefined {
  try {
    const record = JSON.parse(line) as JournalRecord;
    return record.visit === undefined && record.denial === undefined ? undefined : record;
  } catch {
    return undefined;
  }
}
