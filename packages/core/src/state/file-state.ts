import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, rename, type FileHandle } from 'node:fs/promises';
import { syncFolder, writeAll } from '../support/durable.js';
import { StreamSessionsError } from '../support/errors.js';
import { linesOf } from '../support/file-lines.js';
import { badOption } from '../support/options.js';
import type { StateChange, StateStore } from '../types/state.js';
import { compactedCopy } from './compact.js';
import { lockFile } from '../support/file-lock.js';
import { openHeader, type StateHeader } from './state-header.js';
import { fromLine, keyOfLine, latestLines, toLine, type LatestLines } from './state-lines.js';

/** The number of changes written before the event loop gets its turn. */
const AT_ONCE = 500;
/** The number of records read per batch. */
const READ_AT_ONCE = 64;
/** A file is compacted when it is larger than this, and three times as large as after the last time. */
const MIN_COMPACTED = 1024 * 1024;
const GROWTH = 3;

/**
 * Keeps the state in a file, for one process on one machine: changes are appended and synced to the disk, and when the file has
 * grown, a compacted copy replaces it. Only the owner may read it (mode 0600).
 *
 * ```ts
 * const tracker = createTracker({ state: fileState('/var/lib/my-app/sessions.state') });
 * ```
 *
 * Of a file that is damaged or was cut short, whatever is readable is used; before it is compacted, the original is kept as
 * `<path>.damaged-<time>`. A file of a newer version or another format is left alone, and the tracker runs without it and logs
 * that.
 *
 * @param path The path of the file, in an existing folder
 * @throws StreamSessionsError ERR_STATE_IN_USE if another process, or another tracker of this one, uses it; ERR_BAD_OPTION if it
 *   is not a path
 */
export function fileState(path: string): StateStore {
  if (typeof path !== 'string' || path === '') throw badOption('fileState()', 'the path of a file', path);
  return new FileState(path);
}

class FileState implements StateStore {
  readonly fingerprintKey: string;
  warning: string | undefined = undefined;
  private readonly header: StateHeader | undefined;
  private readonly unlock: () => void = () => undefined;
  /** Why nothing can be written. */
  private problem: unknown = undefined;
  /** Why nothing can be read. */
  private readonly unreadable: unknown = undefined;
  private file: FileHandle | undefined = undefined;
  /** The length of the file up to its last whole line. */
  private size = 0;
  private compactAt = MIN_COMPACTED;
  private compacting: Promise<void> | undefined = undefined;
  private isDamaged = false;
  private isClosing = false;
  /** Operations on the file run one after the other. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {
    try {
      this.unlock = lockFile(path);
    } catch (error) {
      if (error instanceof StreamSessionsError) throw error;
      this.problem = error;
    }
    try {
      this.header = openHeader(path);
    } catch (error) {
      this.unreadable = this.problem = error;
    }
    this.fingerprintKey = this.header?.key ?? randomBytes(32).toString('base64url');
    if (this.problem === undefined) rmSync(newPath(path), { force: true });
  }

  async *load(): AsyncIterable<readonly StateChange[]> {
    if (this.header === undefined) throw this.unreadable as Error;
    const file = (this.file = await this.open());
    this.size = this.header.length;
    const from = this.header.length;
    const latest = await latestLines(file, from, (await file.stat()).size, false);
    this.size = latest.end;
    const broken = new Set<string>();
    yield* this.linesAt(latest, broken);
    const damaged = latest.damaged + broken.size;
    if (damaged === 0) return;
    // If a line looks valid and is not, an earlier line for the same key counts.
    const sound = broken.size === 0 ? undefined : await latestLines(file, from, latest.end, true);
    if (sound !== undefined) {
      const isOne = (key: string, offset: number): boolean => broken.has(key) && sound.isOne(key, offset);
      yield* this.linesAt({ ...sound, isOne }, broken);
    }
    this.isDamaged = true;
    this.compactAt = 0;
    const lines = Math.max(damaged, sound?.damaged ?? 0);
    this.warning = `${lines} lines of ${this.path} cannot be read; the file is kept as ${this.path}.damaged-<time>.`;
  }

  private async *linesAt({ isOne, end }: LatestLines, broken: Set<string>): AsyncGenerator<StateChange[]> {
    for await (const lines of linesOf(this.file as FileHandle, (this.header as StateHeader).length, end)) {
      let changes: StateChange[] = [];
      let from = 0;
      for (const to of lines.ends) {
        const key = keyOfLine(lines.data, from, to);
        if (isOne(key, lines.at + from)) {
          const change = fromLine(lines.data.toString('utf8', from, to));
          if (change === undefined) broken.add(key);
          else changes.push(change);
        }
        from = to + 1;
        if (changes.length < READ_AT_ONCE) continue;
        yield changes;
        changes = [];
      }
      yield changes;
    }
  }

  save(changes: readonly StateChange[]): Promise<void> {
    return this.inTurn(async () => {
      if (this.problem !== undefined) throw this.problem as Error;
      await this.append(changes);
      if (this.size > this.compactAt && !this.isClosing) this.compacting ??= this.compact();
    });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    await this.compacting;
    await this.turn;
    await this.file?.close();
    this.file = undefined;
    this.unlock();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async open(): Promise<FileHandle> {
    try {
      return await open(this.path, 'r+');
    } catch (error) {
      this.problem ??= error;
      return open(this.path, 'r');
    }
  }

  private async append(changes: readonly StateChange[]): Promise<void> {
    const file = this.file as FileHandle;
    let at = this.size;
    try {
      for (let from = 0; from < changes.length; from += AT_ONCE) {
        const bytes = Buffer.from(
          changes
            .slice(from, from + AT_ONCE)
            .map(toLine)
            .join(''),
        );
        at += await writeAll(file, bytes, at);
      }
      // Removes what an interrupted write left behind the last line.
      if ((await file.stat()).size > at) await file.truncate(at);
      await file.datasync();
      this.size = at;
    } catch (error) {
      await file.truncate(this.size).catch(() => undefined);
      throw error;
    }
  }

  /** Compacts the file into a copy; saving waits only for the replacement at the end. */
  private async compact(): Promise<void> {
    const { key, length } = this.header as StateHeader;
    const isOver = (): boolean => this.isClosing;
    try {
      // The file may have grown past the threshold again meanwhile.
      while (this.size > this.compactAt && !this.isClosing) {
        const options = { key, from: length, to: this.size, isDamaged: this.isDamaged, isOver };
        const copy = await compactedCopy(this.file as FileHandle, newPath(this.path), options);
        if (copy === undefined) continue;
        try {
          await this.inTurn(() => this.replaceBy(copy));
        } finally {
          if (this.file !== copy.file) await copy.file.close();
        }
      }
    } catch (error) {
      rmSync(newPath(this.path), { force: true });
      this.compactAt = 2 * this.size;
      this.warning = `${this.path} could not be made smaller: ${String(error)}`;
    } finally {
      this.compacting = undefined;
    }
  }

  private async replaceBy({
    file,
    size,
    copiedTo,
  }: {
    file: FileHandle;
    size: number;
    copiedTo: number;
  }): Promise<void> {
    const old = this.file as FileHandle;
    const tail = Buffer.alloc(this.size - copiedTo);
    await old.read(tail, 0, tail.length, copiedTo);
    const whole = size + (await writeAll(file, tail, size));
    await file.datasync();
    if (this.isDamaged) await rename(this.path, `${this.path}.damaged-${Date.now()}`);
    await rename(newPath(this.path), this.path);
    // From here on the old file has no name: nothing that fails below may leave it the one that is written.
    [this.file, this.size, this.isDamaged] = [file, whole, false];
    this.compactAt = Math.max(MIN_COMPACTED, GROWTH * size);
    await old.close();
    await syncFolder(this.path);
  }
}

const newPath = (file: string): string => `${file}.new`;
