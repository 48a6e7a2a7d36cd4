import { appendFile, open, readFile, rm, truncate } from 'node:fs/promises';
import type { WireEvent } from '../types/wire.js';

const NEWLINE = 0x0a;
/** Bytes of one reading. */
const CHUNK = 1024 * 1024;

/**
 * Events that do not fit into memory, as lines of JSON in a file. What an earlier process left in it comes first. What was
 * read is there until all was: after a crash it comes again, with the same ids.
 */
export class SpillFile {
  /** Lines that wait to be written, or have to be read yet. */
  size = 0;
  private readAt = 0;
  private written: Promise<void> = Promise.resolve();
  private waiting: string[] = [];

  private constructor(private readonly path: string) {}

  /** @throws Error when the file can be neither read nor made */
  static async open(path: string): Promise<SpillFile> {
    const spill = new SpillFile(path);
    await appendFile(path, '', { mode: 0o600 });
    for (const byte of await readFile(path)) if (byte === NEWLINE) spill.size++;
    return spill;
  }

  append(event: WireEvent): void {
    this.size++;
    if (this.waiting.push(`${JSON.stringify(event)}\n`) > 1) return;
    this.written = this.written.then(async () => {
      const lines = this.waiting.join('');
      this.waiting = [];
      await appendFile(this.path, lines, { mode: 0o600 });
    });
  }

  /**
   * The next events, at most `max`; none when there are no more.
   *
   * @throws Error when the file cannot be written or read
   */
  async take(max: number): Promise<WireEvent[]> {
    await this.written;
    const events: WireEvent[] = [];
    const file = await open(this.path, 'r');
    try {
      let rest = Buffer.alloc(0);
      while (events.length < max) {
        const at = this.readAt + rest.length;
        const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
        if (bytesRead === 0) break;
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        for (let end = rest.indexOf(NEWLINE); end >= 0 && events.length < max; end = rest.indexOf(NEWLINE)) {
          const event = parsed(rest.toString('utf8', 0, end));
          this.readAt += end + 1;
          this.size--;
          rest = rest.subarray(end + 1);
          if (event !== undefined) events.push(event);
        }
      }
    } finally {
      await file.close();
    }
    return events;
  }

  /** @throws Error when it cannot be written */
  flushed(): Promise<void> {
    return this.written;
  }

  /** All that was taken has been delivered: the file starts anew when nothing else is in it. */
  async settle(): Promise<void> {
    await this.written;
    if (this.size > 0 || this.readAt === 0) return;
    await truncate(this.path, 0);
    this.readAt = 0;
  }

  async remove(): Promise<void> {
    await this.settle();
    if (this.size === 0) await rm(this.path, { force: true });
  }
}

/** A line that a crash cut short is none. */
function parsed(line: string): WireEvent | undefined {
  try {
    return JSON.parse(line) as WireEvent;
  } catch {
    return undefined;
  }
}
