/**
 * The URL that a text is; undefined if it is none. Not by `URL.canParse()`: in Node 20, after a few thousand calls, a host with `é`
 * or `ü` is no URL to it.
 */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
