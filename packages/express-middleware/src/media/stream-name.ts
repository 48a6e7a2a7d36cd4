import { badOption } from '@stream-sessions/core/spi';
import { UNREADABLE } from './media-path.js';

/** How the stream is read from the path: its first directory, or all of them. */
export type StreamRule = 'first-segment' | 'dirname';

/** Nothing says which stream a file belongs to. */
export const NAMELESS = Symbol('nameless');

/**
 * The stream a file belongs to, in the one spelling all adapters use: no slashes at the ends, no leading `live/`.
 *
 * @param path Below the mount, already resolved.
 * @returns undefined when the file lies right at the mount.
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
 * @param mount Resolved too. Routers match it whatever its case, so it is read in lower case.
 */
export const streamOfMount = (mount: string): string | typeof NAMELESS => withoutLive(mount.toLowerCase()) || NAMELESS;

/**
 * The stream that a function of the user names, often by a router's parameter: that is decoded, and `x/../cam1` in it is
 * another spelling of a folder. Null: it lets the request pass.
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
