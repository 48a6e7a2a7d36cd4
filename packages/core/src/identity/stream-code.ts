/** The longest stream code allowed, in characters. */
export const MAX_STREAM_LENGTH = 256;

/**
 * The one spelling of a stream in every adapter: the path without outer slashes and without a leading `live/`. RTMP `/live/cam1`,
 * RTSP `rtsp://h/live/cam1/trackID=1`, SRT `r=live/cam1` and HLS `cam1` are all `cam1`.
 *
 * @param path A path, or a URL, whose scheme and host are dropped. A query and a trailing track id are dropped too.
 * @param options.app The leading segment to drop. Default `live`; false keeps the path as it is.
 * @returns undefined if nothing is left.
 */
export function streamCode(path: string, options?: { app?: string | false }): string | undefined {
  let code = path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  code = code.split(/[?#]/, 1)[0] as string;
  code = trimmed(code);
  code = trimmed(code.replace(/\/(?:trackID|streamid|track)=\d+$/i, ''));
  const app = options?.app ?? 'live';
  if (app !== false && code.startsWith(`${app}/`)) code = trimmed(code.slice(app.length));
  return code === '' ? undefined : code;
}

/** Strips slashes at both ends. Written by hand, because a pattern for the end takes quadratic time on a path of many slashes. */
function trimmed(path: string): string {
  let start = 0;
  let end = path.length;
  while (start < end && path[start] === '/') start++;
  while (end > start && path[end - 1] === '/') end--;
  return path.slice(start, end);
}
