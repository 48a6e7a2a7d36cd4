import { createReadStream } from 'node:fs';
import { appendFile, open, rm, truncate } from 'node:fs/promises';
import { resolve } from 'node:path';
import { lockFile } from '../support/file-lock.js';
import type { WireEvent } from '../types/wire.js';

const NEWLINE = 0x0a;
/** Bytes per read. */
const CHUNK = 1024 * 1024;

/**
 * Events that do not fit into memory, as lines of JSON in a file. What an earlier process left in it comes first. Lines stay in
 * the file until all of them have been read: after a crash they come again, with the same ids.
 */
export class SpillFile {
  /** Lines that are still to be written or read. */
  size = 0;
  /** Those of them that an earlier process has written. */
  left = 0;
  /** Bytes in the file. */
  private length = 0;
  private readAt = 0;
  private written: Promise<void> = Promise.resolve();
  private waiting: string[] = [];
  private hasFailed = false;
  private isGivenUp = false;

  private constructor(
    private readonly path: string,
    private readonly maxBytes: number,
    private readonly unlock: () => void,
  ) {}

  /** @throws Error when the file can be neither read nor made, or is in use by another process */
  static async open(path: string, maxBytes: number): Promise<SpillFile> {
    const unlock = lockFile(resolve(path), (pid) => new Error(`${path} is in use by process ${pid ?? '?'}.`));
    try {
      const spill = new SpillFile(path, maxBytes, unlock);
      await appendFile(path, '', { mode: 0o600 });
      let last = NEWLINE;
      for await (const chunk of createReadStream(path, { highWaterMark: CHUNK }) as AsyncIterable<Buffer>) {
        spill.length += chunk.length;
        for (const byte of chunk) if (byte === NEWLINE) spill.size++;
        last = chunk.at(-1) ?? last;
      }
      // what a crash cut short becomes a line of its own, and does not run into what follows
      if (last !== NEWLINE) {
        await appendFile(path, '\n');
        spill.size++;
        spill.length++;
      }
      spill.left = spill.size;
      return spill;
    } catch (error) {
      unlock();
      throw error;
    }
  }

  /** It takes nothing more but what belongs to something in it. */
  get isFull(): boolean {
    return this.length >= this.maxBytes;
  }

  /** False: the file cannot be written any more. */
  append(event: WireEvent): boolean {
    if (this.hasFailed) return false;
    const line = `${JSON.stringify(event)}\n`;
    this.size++;
    this.length += Buffer.byteLength(line);
    if (this.waiting.push(line) > 1) return true;
    this.written = this.written.then(async () => {
      const lines = this.waiting.join('');
      this.waiting = [];
      await appendFile(this.path, lines, { mode: 0o600 });
    });
    // whoever reads next is told; until then, nothing more is kept in memory
    this.written.catch(() => {
      this.hasFailed = true;
      this.waiting = [];
    });
    return true;
  }

  /**
   * The next events, at most `max`; none when there are no more. What an earlier process left ends a portion: what is in memory by
   * now comes before what this process has written.
   *
   * @throws Error when the file cannot be written or read
   */
  async take(max: number): Promise<WireEvent[]> {
    await this.written;
    const events: WireEvent[] = [];
    const isLeft = this.left > 0;
    const isEnough = (): boolean => events.length >= max || (isLeft && this.left === 0);
    const file = await open(this.path, 'r');
    try {
      let rest = Buffer.alloc(0);
      while (!isEnough()) {
        const at = this.readAt + rest.length;
        const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
        if (bytesRead === 0) break;
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        for (let end = rest.indexOf(NEWLINE); end >= 0 && !isEnough(); end = rest.indexOf(NEWLINE)) {
          const event = parsed(rest.toString('utf8', 0, end));
          this.readAt += end + 1;
          this.size--;
          if (isLeft) this.left--;
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

  /** Everything taken has been delivered: the file is truncated if nothing else is in it. */
  async settle(): Promise<void> {
    await this.written;
    if (this.size > 0 || this.readAt === 0 || this.isGivenUp) return;
    await truncate(this.path, 0);
    this.readAt = this.length = 0;
  }

  async remove(): Promise<void> {
    try {
      await this.settle();
      if (this.size === 0 && !this.isGivenUp) await rm(this.path, { force: true });
    } finally {
      this.giveUp();
    }
  }

  /** Leaves the content of the file to another process. */
  giveUp(): void {
    if (!this.isGivenUp) this.unlock();
    this.isGivenUp = true;
  }
}

/** Undefined for a line that a crash cut short. */
function parsed(line: string): WireEvent | undefined {
  try {
    return JSON.parse(line) as WireEvent;
  } catch {
    return undefined;
  }
}
