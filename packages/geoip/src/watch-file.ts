import { stat } from 'node:fs/promises';

/** What to do with a file, now and whenever it is replaced. */
export interface FileUser<T> {
  load(path: string): Promise<T>;
  use(loaded: T): void;
  /** A replacement that could not be loaded. Called once for each. */
  onUnusable(error: unknown): void;
}

/**
 * Loads a file, and again whenever it was replaced. Looks every `everyMs` milliseconds (0: never) at its time, size and inode: a poll, for
 * the watchers of operating systems lose files that are replaced by renaming. Rejects when the first load does.
 */
export async function watchFile<T>(path: string, everyMs: number, user: FileUser<T>): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let seen = await fingerprint(path);
  user.use(await user.load(path));

  async function look(): Promise<void> {
    const found = await fingerprint(path);
    // absent: it is being replaced, or was deleted. The loaded one goes on
    if (stopped || found === undefined || found === seen) return;
    const outcome = await user.load(path).then(
      (loaded) => () => user.use(loaded),
      (error: unknown) => () => user.onUnusable(error),
    );
    // somebody wrote while we read: what we have may be half of each, so wait for the next look
    if ((await fingerprint(path)) !== found || stopped) return;
    seen = found;
    outcome();
  }

  function schedule(): void {
    if (stopped || everyMs === 0) return;
    // one look after the other, however slow the disk; unref: a file is no reason for a process to live
    timer = setTimeout(() => void look().then(schedule, schedule), everyMs).unref();
  }
  schedule();

  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Changes whenever the file does; undefined when there is none. */
async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return undefined;
  }
}
