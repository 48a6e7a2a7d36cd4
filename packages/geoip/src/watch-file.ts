import { stat } from 'node:fs/promises';

/** What to do with a file, now and whenever it is replaced. */
export interface FileUser<T> {
  load(path: string): Promise<T>;
  use(loaded: T): void;
  /** Called once for each replacement that could not be loaded. */
  onUnusable(error: unknown): void;
}

/**
 * Loads a file, and loads it again whenever it has been replaced. Checks its time, size and inode every `everyMs` milliseconds
 * (0: never). It polls because the file watchers of operating systems lose files that are replaced by renaming. Rejects if the
 * first load does.
 */
export async function watchFile<T>(path: string, everyMs: number, user: FileUser<T>): Promise<{ stop(): void }> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let seen = await fingerprint(path);
  user.use(await user.load(path));

  async function look(): Promise<void> {
    const found = await fingerprint(path);
    // absent: it is being replaced, or was deleted; the loaded one stays in use
    if (stopped || found === undefined || found === seen) return;
    const outcome = await user.load(path).then(
      (loaded) => () => user.use(loaded),
      (error: unknown) => () => user.onUnusable(error),
    );
    // somebody wrote while we were reading, so what we have may be a mixture: wait for the next check
    if ((await fingerprint(path)) !== found || stopped) return;
    seen = found;
    outcome();
  }

  function schedule(): void {
    if (stopped || everyMs === 0) return;
    // one check after the other, however slow the disk; unref: a file must not keep the process alive
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

/** Changes whenever the file does; undefined if there is none. */
async function fingerprint(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(':');
  } catch {
    return undefined;
  }
}
