import { resolve } from 'node:path';
import { StreamSessionsError } from '@stream-sessions/core';
import { lockFile } from '@stream-sessions/core/spi';
import type { Pass, PassChange, PassStore, Spending } from '../types/store.js';
import { latest } from '../rules/spending.js';
import { Journal } from './journal.js';
import { MemoryPassStore } from './memory-store.js';

/** The most obsolete lines, beyond one per pass, before the file is rewritten. */
const MAX_OLD_LINES = 10_000;

/**
 * Opens a file of passes for this process alone: JSON, one pass per line, of which the last line counts. It is read into memory
 * and appended to; obsolete lines are dropped when it is rewritten, to a second file that then replaces it. A line that was cut
 * short by a crash is ignored. Readable by this user only, because owners may be tokens.
 *
 * @throws StreamSessionsError ERR_PASS_FILE if it cannot be read or written, is in use, or has another format
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
    // Even if it existed: whoever added it may not have written it yet.
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
    // Another process may hold it the next time.
    this.unlock = () => undefined;
  }

  /** Drops obsolete lines. */
  async tidy(): Promise<void> {
    if (this.lines <= this.passes.size) return;
    this.lines = this.passes.size;
    await this.journal.replace(() => this.all());
  }

  /** Memory is ahead of the file until the promise resolves. */
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

/** Locks it for this process. Returns a function that releases it. */
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
    const message = `Line ${n} of ${path} is not a pass. Is it the right file? Nothing was changed.`;
    throw new StreamSessionsError('ERR_PASS_FILE', message, { cause: error });
  }
}

function asPass(value: unknown): Pass {
  const { id, owner, ops } = value as Partial<Pass>;
  if (typeof id !== 'string' || typeof owner !== 'string' || typeof ops !== 'object') {
    throw new TypeError('it lacks id, owner or ops');
  }
  // Of all processes that wrote to a file, only the last one can have left something pending: it had the file to itself.
  return { ...(value as Pass), ops: latest(ops, 1) };
}
