import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import type { JournalRecord } from '../types/visit-row.js';

/**
 * A part of the journal: a file, whose records also stay in memory while there is room. It does not use core's `LineFile`, which
 * waits for the disk at each append: that is unnecessary for a file that is deleted within milliseconds, once the database has
 * it.
 */
export class Segment {
  /** Undefined: they have to be read from the file. */
  records: JournalRecord[] | undefined = [];
  /** Bytes in the file, plus pending lines. */
  bytes = 0;
  /** Its content is on the disk, or will be; false if that failed. */
  isSafe = true;
  private lines: string[] = [];
  private handle: FileHandle | undefined = undefined;
  private writing: Promise<void> | undefined = undefined;

  constructor(readonly path: string) {}

  /** A segment that an earlier process left. */
  static left(path: string, bytes: number): Segment {
    const segment = new Segment(path);
    segment.records = undefined;
    segment.bytes = bytes;
    return segment;
  }

  /** @param failed Called if the record cannot be written: it is then only in memory. */
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

  /** All of its records. A line that a crash cut short does not count. */
  async read(): Promise<JournalRecord[]> {
    if (this.records !== undefined) return this.records;
    await this.writing;
    const text = await readFile(this.path, 'utf8');
    return text.split('\n').flatMap((line) => parsed(line) ?? []);
  }

  /** Resolves when everything added has left this process. */
  async written(): Promise<void> {
    await this.writing;
  }

  /** Deletes the segment, whose records are in the database. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.writing;
    await this.handle?.close();
    this.handle = undefined;
  }

  /** Lines that arrive during a write are written together. */
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
