import { badOption } from '@stream-sessions/core/spi';
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { SourceTarget } from '../driver.js';
import { fill, placeholdersOf } from '../pattern.js';
import { removeOld } from './remove-old.js';

/** Whether a source that was started at `since` (epoch milliseconds) can be played by now. */
export type PlaylistCheck = (target: SourceTarget, since: number) => boolean | Promise<boolean>;

/** Determines whether a source can be played. */
export interface Playlist {
  readonly placeholders: readonly string[];
  /** Creates the folder, and removes what an earlier run left, which would otherwise be played as if it were live. */
  prepare(target: SourceTarget): Promise<void>;
  isNewer: PlaylistCheck;
}

/** File systems may store a time a few milliseconds behind the clock. */
const COARSE_MS = 20;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function playlistOf(given: string | PlaylistCheck | undefined): Playlist | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'function') return { placeholders: [], prepare: async () => undefined, isNewer: given };
  if (typeof given !== 'string' || given === '') {
    throw badOption('playlist', 'the path of a file, or a function', given);
  }
  return {
    placeholders: placeholdersOf(given),
    prepare: async (target) => {
      const file = fill(given, target);
      await mkdir(path.dirname(file), { recursive: true });
      await removeOld(file);
    },
    isNewer: async (target, since) => {
      const { mtimeMs, size } = await stat(fill(given, target)).catch(() => ({ mtimeMs: 0, size: 0 }));
      return size > 0 && mtimeMs >= since - COARSE_MS;
    },
  };
}
