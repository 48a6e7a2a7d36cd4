import { streamCode } from '@stream-sessions/core';

/** What routers do not all read alike, and what nobody could see in a list. */
// eslint-disable-next-line no-control-regex
const UNREADABLE = /[\u0000-\u001f\u007f\\%?#;]|\/\/|\/\.{1,2}(?:\/|$)/;

/**
 * The stream that the path of an upgrade names, decoded once: `/live/cam1` is `cam1`. Undefined: it names none, or could be
 * read as more than one name, and a rule about the one would not hold for the other.
 */
export function streamOfPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  return UNREADABLE.test(decoded) ? undefined : streamCode(decoded);
}
