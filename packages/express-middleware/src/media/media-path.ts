import { isUtf8 } from 'node:buffer';
import type { MediaType, MediaTypes } from './extensions.js';

/** A media file below the mount, as a file server reads the request: decoded, without dot segments, no slash first. */
export interface MediaPath {
  readonly path: string;
  readonly type: MediaType;
}

/** It names a media file, but servers would not agree on which. */
export const UNREADABLE = Symbol('unreadable');

/** What a path may turn out to be; undefined: no media. */
export type MediaFinding<T extends MediaPath = MediaPath> = T | typeof UNREADABLE | undefined;

/**
 * Control characters, a backslash, and an escape that is left after decoding. To some a backslash is a slash, and there
 * are servers that decode twice: they would read another file than the one that was judged.
 */
// eslint-disable-next-line no-control-regex
const UNCLEAR = /[\0-\x1f\x7f\\]|%[0-9a-f]{2}/i;
/** Servers differ on what a `..` takes off behind these: an escape of one of `./?#`, an empty segment, bytes of no certain encoding. */
const HARD_TO_CLIMB = /%(?:2[3ef]|3f)|\/\/|[^\0-\x7f]/i;
/** Names that Windows takes for others: it drops dots and spaces at the end, has streams in files, and short aliases. */
const ALIAS_ON_WINDOWS = /[. ]$|:|~\d/;

const NOT_ASCII = /[^\0-\x7f]/;
/** Some disks do not see these in a name. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * The path that a request names, in the one way that all servers agree on: decoded once, no dot segments, no slashes at
 * the ends. Undefined where they would not.
 *
 * @param windows The disk takes several names for one. Default: what this machine does.
 */
export function readPath(pathname: string, windows = process.platform === 'win32'): string | undefined {
  const decoded = decode(pathname);
  // behind a semicolon some upstreams read parameters: `/cam2/..;/cam1/`
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
  // disks that do not tell the two forms of é apart serve both as one file
  return kept.join('/').normalize('NFC');
}

/** Makes the functions that read paths, for one table of extensions. */
export function mediaPathReader(types: MediaTypes, windows?: boolean) {
  const names = types.all.map((name) => name.replace(/[^a-z0-9]/gi, '\\$&')).join('|');
  const some = new RegExp(`(?:${names})(?![a-z0-9])`, 'i');
  const beforeCut = new RegExp(`(?:${names})(?:[. ]+$|[;?#:])`, 'i');

  /** Whether a text that cannot be read is about media, as far as anybody could decode it. */
  const mentions = (text: string): boolean => {
    const once = decodeWhatCanBe(text);
    return some.test(folded(once)) || some.test(folded(decodeWhatCanBe(once)));
  };

  /** Whether servers that drop the end of a name, or cut a path off where it does not end, would serve media. */
  const isCutToMedia = (path: string): boolean => beforeCut.test(path);

  /** @param isGuarded Whether files count that are asked about only while a policy authorises. */
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

/** Node hands over bytes that were sent unescaped as Latin-1; an upstream reads them as the UTF-8 that they mostly are. */
function asUtf8(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return isUtf8(bytes) && bytes.toString('latin1') === text ? bytes.toString() : text;
}

const decodeWhatCanBe = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** As disks see a name that know no case, and take letters for others: the `ſ` of `.tſ` is an `s` in capitals. */
const folded = (text: string): string =>
  NOT_ASCII.test(text) ? text.normalize('NFKC').replace(INVISIBLE, '').toUpperCase().toLowerCase() : text;
