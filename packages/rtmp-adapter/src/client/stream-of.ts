import { streamCode } from '@stream-sessions/core';

/**
 * The stream that a path of the server names. Undefined if the tracker would read another name than the server, such as `live` in
 * `/live?x/cam1`: the two could not be told apart in the list, or kept apart.
 */
export function streamOf(path: string): string | undefined {
  const stream = streamCode(path);
  if (stream === undefined || hasPassword(path)) return undefined;
  return path === `/${stream}` || path === `/live/${stream}` || path === `//${stream}` ? stream : undefined;
}

/** An address with a password instead of a name: names are shown to everyone. */
function hasPassword(path: string): boolean {
  const at = path.lastIndexOf('@');
  return at > 0 && path.lastIndexOf(':', at) >= 0;
}
