const SLASH = 0x2f;
const QUESTION = 0x3f;

/** What URIs are mostly made of. A colon may end a scheme, a backslash is a slash to some: not here. */
const PLAIN = new Uint8Array(128);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/%=&+,!@()*';$") {
  PLAIN[character.charCodeAt(0)] = 1;
}

/**
 * Whether a part of a text is a relative URI that needs no parser to be known as one: by one walk over its characters,
 * for a playlist has a URI in every second line.
 */
export function isPlain(text: string, start: number, end: number, withQuery = false): boolean {
  if (end === start) return false;
  // two slashes name a host
  if (text.charCodeAt(start) === SLASH && text.charCodeAt(start + 1) === SLASH) return false;
  for (let at = start; at < end; at++) {
    const character = text.charCodeAt(at);
    if (PLAIN[character] !== 1 && !(withQuery && character === QUESTION)) return false;
  }
  return true;
}
