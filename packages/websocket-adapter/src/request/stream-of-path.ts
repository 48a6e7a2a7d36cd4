import { streamCode } from '@stream-sessions/core';

/** Characters that routers interpret differently, or that are invisible in a list. */
// eslint-disable-next-line no-control-regex
const UNREADABLE = /[\u0000-\u001f\u007f\\%?#;]|\/\/|\/\.{1,2}(?:\/|$)/;

/**
 * The stream that the path of an upgrade names, decoded once: `/live/cam1` is `cam1`. Undefined: it names none, or could be read
 * as several names, so that a rule about one would not apply to the other.
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
