import { isUtf8 } from 'node:buffer';
import type { MediaType, MediaTypes } from './extensions.js';

/** A media file below the mount, as a file server reads the request: decoded, without dot segments or a leading slash. */
export interface MediaPath {
  readonly path: string;
  readonly type: MediaType;
}

/** It names a media file, but servers would not agree on which one. */
export const UNREADABLE = Symbol('unreadable');

/** The result of reading a path; undefined: not media. */
export type MediaFinding<T extends MediaPath = MediaPath> = T | typeof UNREADABLE | undefined;

/**
 * Control characters, a backslash, or an escape that is left after decoding. Some servers treat a backslash as a slash, and some
 * decode twice: they would read a different file from the one that was judged.
 */
// eslint-disable-next-line no-control-regex
const UNCLEAR = /[\0-\x1f\x7f\\]|%[0-9a-f]{2}/i;
/**
 * Servers differ on what a `..` removes after these: an escaped `.`, `/`, `?` or `#`, an empty segment, bytes of uncertain
 * encoding.
 */
const HARD_TO_CLIMB = /%(?:2[3ef]|3f)|\/\/|[^\0-\x7f]/i;
/** Names that are aliases on Windows: it drops trailing dots and spaces, and has streams in files and short names. */
const ALIAS_ON_WINDOWS = /[. ]$|:|~\d/;

const NOT_ASCII = /[^\0-\x7f]/;
/** Some file systems ignore these in a name. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * The path that a request names, in the only reading that all servers agree on: decoded once, without dot segments or slashes at
 * the ends. Undefined if they would not agree.
 *
 * @param windows The file system treats several names as one. Default: as on this machine.
 */
export function readPath(pathname: string, windows = process.platform === 'win32'): string | undefined {
  const decoded = decode(pathname);
  // some upstreams read parameters after a semicolon: `/cam2/..;/cam1/`
  if (decoded === undefined || UNCLEAR.test(decoded) || pathname.includes(';')) return undefined;
  let mayClimb: boolean | undefined;
  const kept: string[] = [];
  for (const name of decoded.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') {
      if (windows && ALIAS_ON_WINDOWS.test(name)) return undefined;
      kept.push(name);
    } else if (!(mayClimb ??= !HARD_TO_CLIMB.test(pathname)) || kept.pop() === undefined) return undefined;
  }
  // file systems that do not distinguish the two forms of é serve both as one file
  return kept.join('/').normalize('NFC');
}

/** Makes the functions that read paths, for one table of extensions. */
export function mediaPathReader(types: MediaTypes, windows?: boolean) {
  const names = types.all.map((name) => name.replace(/[^a-z0-9]/gi, '\\$&')).join('|');
  const some = new RegExp(`(?:${names})(?![a-z0-9])`, 'i');
  const beforeCut = new RegExp(`(?:${names})(?:[. ]+$|[;?#:])`, 'i');

  /** Whether a text that cannot be read is about media, as far as it can be decoded. */
  const mentions = (text: string): boolean => {
    const once = decodeWhatCanBe(text);
    return some.test(folded(once)) || some.test(folded(decodeWhatCanBe(once)));
  };

  /** Whether servers that drop the end of a name, or cut a path early, would serve media. */
  const isCutToMedia = (path: string): boolean => beforeCut.test(path);

  /** @param isGuarded Whether files count that are judged only while a policy authorises. */
  const read = (pathname: string, isGuarded: boolean): MediaFinding => {
    const path = readPath(pathname, windows);
    if (path === undefined) return mentions(pathname) ? UNREADABLE : undefined;
    const typeOf = (name: string) => types.ofCounted(name) ?? (isGuarded ? types.ofGuarded(name) : undefined);
    if (isCutToMedia(path)) return UNREADABLE;
    const type = typeOf(path);
    if (type !== undefined) return { path, type };
    return NOT_ASCII.test(path) && typeOf(folded(path)) !== undefined ? UNREADABLE : undefined;
  };

  return { read, mentions, isCutToMedia };
}

function decode(pathname: string): string | undefined {
  try {
    return decodeURIComponent(NOT_ASCII.test(pathname) ? asUtf8(pathname) : pathname);
  } catch {
    return undefined;
  }
}

/** Node passes on unescaped bytes as Latin-1; an upstream reads them as UTF-8, which they usually are. */
function asUtf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) && bytes.toString('latin1') === text ? bytes.toString() : text;
}

const decodeWhatCanBe = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/**
 * Folded like names on case-insensitive file systems, which also treat some letters as others: the upper case of `ſ` in `.tſ` is
 * `S`.
 */
const folded = (text: string): string =>
  NOT_ASCII.test(text) ? text.normalize('NFKC').replace(INVISIBLE, '').toUpperCase().toLowerCase() : text;
