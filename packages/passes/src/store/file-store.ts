import { resolve } from 'node:path';
import { StreamSessionsError } from '@stream-sessions/core';
import { lockFile } from '@stream-sessions/core/spi';
import type { Pass, PassChange, PassStore, Spending } from '../types/store.js';
import { latest } from '../rules/spending.js';
import { Journal } from './journal.js';
import { MemoryPassStore } from './memory-store.js';

/** Lines that say nothing any more, besides as many as there are passes, before the file is written anew. */
const MAX_OLD_LINES = 10_000;

/**
 * Opens a file of passes for this process alone: JSON, one pass a line, the last line of each counts. It is read into memory
 * and appended to; what is outdated in it is left out when it is written anew, to a second file that then takes its place. A
 * line that was cut off by a crash is ignored. Readable by this user only, for owners may be tokens.
 *
 * @throws StreamSessionsError ERR_PASS_FILE when it cannot be read or written, is in use, or is something else
 */
export async function openPassFile(path: string): Promise<PassStore> {
  const passes = new MemoryPassStore();
  let lines = 0;
  const read = (text: string): void => {
    lines++;
    passes.put(passFrom(text, lines, path));
  };
  const unlock = locked(path);
  const journal = await Journal.open(path, read).catch((error: unknown) => {
    unlock();
    throw asPassFileError(error, path);
  });
  const store = new FilePassStore(passes, journal, lines, unlock);
  try {
    await store.tidy();
  } catch (error) {
    await store.close();
    throw asPassFileError(error, path);
  }
  return store;
}

class FilePassStore implements PassStore {
  constructor(
    private readonly passes: MemoryPassStore,
    private readonly journal: Journal,
    private lines: number,
    private unlock: () => void,
  ) {}

  async add(pass: Pass): Promise<Pass> {
    const kept = this.passes.add(pass);
    // Also where it was there: whoever added it may not have written it yet.
    await this.write(kept);
    return kept;
  }

  get(id: string): Pass | undefined {
    return this.passes.get(id);
  }

  list(owner: string): readonly Pass[] {
    return this.passes.list(owner);
  }

  spend(id: string, spending: Spending): Promise<Pass | undefined> {
    return this.write(this.passes.spend(id, spending));
  }

  change(id: string, change: PassChange): Promise<Pass | undefined> {
    return this.write(this.passes.change(id, change));
  }

  async close(): Promise<void> {
    await this.journal.close();
    this.unlock();
    // Somebody else may have it by the next time.
    this.unlock = () => undefined;
  }

  /** Leaves out what is outdated. */
  async tidy(): Promise<void> {
    if (this.lines <= this.passes.size) return;
    this.lines = this.passes.size;
    await this.journal.replace(() => this.all());
  }

  /** What is in memory is ahead of the file until the promise resolves. */
  private async write<P extends Pass | undefined>(pass: P): Promise<P> {
    if (pass === undefined) return pass;
    await this.journal.append(line(pass));
    if (++this.lines > 2 * this.passes.size + MAX_OLD_LINES) await this.tidy();
    return pass;
  }

  private *all(): Generator<string> {
    for (const pass of this.passes.all()) yield line(pass);
  }
}

/** Holds it for this process. Gives it back by what it returns. */
function locked(path: string): () => void {
  try {
    return lockFile(resolve(path), (pid) => {
      const message = `${path} is in use by process ${pid ?? '?'}: a file of passes belongs to one process, and to one book of it.`;
      return new StreamSessionsError('ERR_PASS_FILE', message);
    });
  } catch (error) {
    throw asPassFileError(error, path);
  }
}

const asPassFileError = (error: unknown, path: string): StreamSessionsError =>
  error instanceof StreamSessionsError
    ? error
    : new StreamSessionsError('ERR_PASS_FILE', `Cannot read or write ${path}.`, { cause: error });

const line = (pass: Pass): string => `${JSON.stringify(pass)}\n`;

function passFrom(text: string, n: number, path: string): Pass {
  try {
    return asPass(JSON.parse(text));
  } catch (error) {
    const message = `Line ${n} of ${path} is no pass. Is it the right file? Nothing was changed.`;
    throw new StreamSessionsError('ERR_PASS_FILE', message, { cause: error });
  }
}

function asPass(value: unknown): Pass {
  const { id, owner, ops } = value as Partial<Pass>;
  if (typeof id !== 'string' || typeof owner !== 'string' || typeof ops !== 'object') {
    throw new TypeError('it lacks id, owner or ops');
  }
  // Of those who wrote to a file only the last one can have left something open: it was theirs alone.
  return { ...(value as Pass), ops: latest(ops, 1) };
}
