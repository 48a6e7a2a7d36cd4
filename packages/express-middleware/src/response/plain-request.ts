import type { PlaybackRequest } from '../connect.js';

/** Headers that would make a handler respond with anything but the full text of a file. */
const IN_THE_WAY: ReadonlySet<string> = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** Removes those headers from a request, wherever a handler or proxy may read them. */
export function askForPlainText(req: PlaybackRequest): void {
  const { headers, rawHeaders } = req;
  for (const name of IN_THE_WAY) delete headers[name];
  for (let i = rawHeaders.length - 2; i >= 0; i -= 2) {
    if (IN_THE_WAY.has((rawHeaders[i] as string).toLowerCase())) rawHeaders.splice(i, 2);
  }
}
