const SLASH = 0x2f;
const DOT = 0x2e;
const QUESTION = 0x3f;

/** Up to # are white space and what has to be escaped, above ~ are spaces too; % escapes, a backslash and ; are unclear. */
const PLAIN = new Uint8Array(128);
for (let character = 0x24; character <= 0x7e; character++)
  PLAIN[character] = '%;\\'.includes(String.fromCharCode(character)) ? 0 : 1;

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
    if (PLAIN[character] !== 1) return -1;
    if (previous === SLASH && (character === SLASH || character === DOT)) return -1;
    previous = character;
  }
  return previous === SLASH ? -1 : end;
}
