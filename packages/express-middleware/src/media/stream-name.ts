import { badOption } from '@stream-sessions/core/spi';
import { UNREADABLE } from './media-path.js';

/** How the stream is derived from the path: from its first directory, or all of them. */
export type StreamRule = 'first-segment' | 'dirname';

/** The stream of a file cannot be determined. */
export const NAMELESS = Symbol('nameless');

/**
 * The stream that a file belongs to, in the spelling that all adapters use: no slashes at the ends, no leading `live/`.
 *
 * @param path Below the mount, already resolved.
 * @returns undefined if the file is directly at the mount.
 */
export function streamOfPath(path: string, rule: StreamRule): string | undefined {
  const directory = withoutLive(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
  if (directory === '') return undefined;
  if (rule === 'dirname') return directory;
  const end = directory.indexOf('/');
  return end < 0 ? directory : directory.slice(0, end);
}

/**
 * The stream that a mount is named after.
 *
 * @param mount Already resolved. Routers ignore its case, so it is read in lower case.
 */
export const streamOfMount = (mount: string): string | typeof NAMELESS => withoutLive(mount.toLowerCase()) || NAMELESS;

/**
 * The stream that a user's function names, often from a router parameter: that is decoded, so it may contain `x/../cam1`, another
 * spelling of a folder. Null: the function lets the request pass.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function streamOfCallback(result: unknown): string | typeof NAMELESS | typeof UNREADABLE | undefined {
  if (result === null) return undefined;
  if (result === undefined || result === '') return NAMELESS;
  if (typeof result !== 'string') throw badOption('The result of stream', 'a string, undefined or null', result);
  if (!result.includes('/')) return result === '..' ? UNREADABLE : result;
  const names = result.split('/').filter((name) => name !== '' && name !== '.');
  return names.includes('..') ? UNREADABLE : names.join('/') || NAMELESS;
}

/** Under a router that mounts `/live`, `/LIVE/cam1` is the same file. */
function withoutLive(directory: string): string {
  const first = directory.charCodeAt(0) | 0x20;
  if (first !== 0x6c /* l */ || directory.slice(0, 4).toLowerCase() !== 'live') return directory;
  if (directory.length === 4) return 'live';
  return directory.charCodeAt(4) === 0x2f /* / */ ? directory.slice(5) : directory;
}
