const SLASH = 0x2f;
const QUESTION = 0x3f;

/**
 * The usual characters of URIs. Excluded: a colon may end a scheme, a backslash is a slash to some, `#` and `{` have special
 * meanings.
 */
const PLAIN = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%=&+,!@()*';$?") {
  PLAIN[character.charCodeAt(0)] = 1;
}

/**
 * The start of the query (its `?`) in a URI that can be recognised as relative without a parser; `end` if it has none. -1: it may
 * be anything. A single pass over the characters, since a playlist has a URI on every second line.
 */
export function plainQuery(text: string, start: number, end: number): number {
  if (end === start) return -1;
  // two slashes introduce a host
  if (text.charCodeAt(start) === SLASH && text.charCodeAt(start + 1) === SLASH) return -1;
  let query = end;
  for (let at = start; at < end; at++) {
    const character = text.charCodeAt(at);
    if (PLAIN[character] !== 1) return -1;
    if (character === QUESTION && query === end) query = at;
  }
  return query;
}
