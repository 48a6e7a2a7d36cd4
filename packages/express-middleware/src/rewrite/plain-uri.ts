const SLASH = 0x2f;
const QUESTION = 0x3f;

/** What URIs are mostly made of. A colon may end a scheme, a backslash is a slash to some, `#` and `{` have meanings: not here. */
const PLAIN = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%=&+,!@()*';$?") {
  PLAIN[character.charCodeAt(0)] = 1;
}

/**
 * Where the query of a relative URI begins that needs no parser to be known as one, at its `?`; `end` when it has none. -1:
 * it may be anything. One walk over its characters, for a playlist has a URI in every second line.
 */
export function plainQuery(text: string, start: number, end: number): number {
  if (end === start) return -1;
  // two slashes name a host
  if (text.charCodeAt(start) === SLASH && text.charCodeAt(start + 1) === SLASH) return -1;
  let query = end;
  for (let at = start; at < end; at++) {
    const character = text.charCodeAt(at);
    if (PLAIN[character] !== 1) return -1;
    if (character === QUESTION && query === end) query = at;
  }
  return query;
}
