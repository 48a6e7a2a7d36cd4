const SLASH = 0x2f;
const DOT = 0x2e;
const QUESTION = 0x3f;

/**
 * Below # are white space and characters that must be escaped, above ~ are spaces, too; % escapes, and a backslash or ; is
 * ambiguous.
 */
const PLAIN = new Uint8Array(128);
for (let character = 0x24; character <= 0x7e; character++)
  PLAIN[character] = '%;\\'.includes(String.fromCharCode(character)) ? 0 : 1;

/**
 * The end of the path in a request target, if it names a file literally: no escapes, no empty or dot segments, no backslash, no
 * trailing slash, nothing that a URL parser would change. Otherwise -1.
 *
 * A single pass over the characters, because this runs for every request.
 */
export function endOfPlainPath(target: string): number {
  if (target.charCodeAt(0) !== SLASH) return -1;
  let previous = SLASH;
  let end = 1;
  for (; end < target.length; end++) {
    const character = target.charCodeAt(end);
    if (character === QUESTION) break;
    if (PLAIN[character] !== 1) return -1;
    if (previous === SLASH && (character === SLASH || character === DOT)) return -1;
    previous = character;
  }
  return previous === SLASH ? -1 : end;
}
