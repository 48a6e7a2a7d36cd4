import { type ExtensionTable, type MediaType, mediaPattern } from './extensions.js';

/** A media file below the mount, as a file server reads the request: decoded, without dot segments, no slash first. */
export interface MediaPath {
  readonly path: string;
  readonly type: MediaType;
}

/** It names a media file, but no file server could tell which. */
export const UNREADABLE = 'unreadable';

const MAX_EXTENSION_LENGTH = 17;

/** What no file server serves, or only by accident: control characters. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/;

/**
 * Makes the function that reads a path. Every spelling that `express.static` and `sendFile` serve as one file comes out
 * as one path, so that a viewer who is kept out cannot come back by another spelling.
 *
 * @param windows The disk drops dots, spaces and `::$DATA` at the end of a name. Default: what this machine does.
 */
export function mediaPathReader(
  table: ExtensionTable,
  windows = process.platform === 'win32',
): (pathname: string) => MediaPath | typeof UNREADABLE | undefined {
  const pattern = mediaPattern(table);
  return (pathname) => {
    const decoded = decode(pathname);
    if (decoded === undefined) return pattern.test(decodeWhatCanBe(pathname)) ? UNREADABLE : undefined;
    if (CONTROL.test(decoded)) return pattern.test(decoded) ? UNREADABLE : undefined;
    const path = resolve(decoded, windows);
    if (path === undefined) return pattern.test(decoded) ? UNREADABLE : undefined;
    const type = typeOf(path, table);
    return type && { path, type };
  };
}

/** What the extension of a file says. `.TS` is another file than `.ts` on most disks, and still a segment. */
export function typeOf(path: string, table: ExtensionTable): MediaType | undefined {
  const dot = path.lastIndexOf('.');
  const length = path.length - dot;
  // longer than any extension: a name of 10,000 characters is not copied to be looked up
  if (dot < 0 || length > MAX_EXTENSION_LENGTH) return undefined;
  for (const [extension, type] of table) {
    if (extension.length === length && path.startsWith(extension, dot)) return type;
  }
  const lower = path.slice(dot).toLowerCase();
  return table.find(([extension]) => extension === lower)?.[1];
}

function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

const decodeWhatCanBe = (pathname: string): string =>
  pathname.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** Undefined when it climbs above the mount. A backslash is a slash: on Windows, and in `url.parse` everywhere. */
function resolve(decoded: string, windows: boolean): string | undefined {
  const kept: string[] = [];
  for (const part of decoded.split(/[/\\]/)) {
    const name = windows && part !== '..' ? part.replace(/(?:::\$DATA|[. ])+$/i, '') : part;
    if (name === '' || name === '.') continue;
    if (name !== '..') kept.push(name);
    else if (kept.pop() === undefined) return undefined;
  }
  return kept.join('/');
}
