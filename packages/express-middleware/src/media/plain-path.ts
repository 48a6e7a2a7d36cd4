const SLASH = 0x2f;
const DOT = 0x2e;
const QUESTION = 0x3f;
const PERCENT = 0x25;
const BACKSLASH = 0x5c;

/**
 * Where the path of a request target ends, if it names a file just as it stands: no escapes, no empty or dot segments, no
 * backslash, no slash at the end, nothing that a URL parser would change. Otherwise -1.
 *
 * One walk over the characters: this is asked of every request.
 */
export function endOfPlainPath(target: string): number {
  if (target.charCodeAt(0) !== SLASH) return -1;
  let previous = SLASH;
  let end = 1;
  for (; end < target.length; end++) {
    const character = target.charCodeAt(end);
    if (character === QUESTION) break;
    // up to # are white space and what has to be escaped; above ~ are spaces too
    if (character <= 0x23 || character > 0x7e || character === PERCENT || character === BACKSLASH) return -1;
    if (previous === SLASH && (character === SLASH || character === DOT)) return -1;
    previous = character;
  }
  return previous === SLASH ? -1 : end;
}
