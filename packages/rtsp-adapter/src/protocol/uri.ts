import { streamCode } from '@stream-sessions/core';

/** What an RTSP URL names (RFC 2326 §3.2). */
export interface RtspUri {
  /** The stream, spelled as in every adapter: see `streamCode()`. */
  readonly stream: string;
  /** Without `?`. */
  readonly query: string;
  /** The URL without its track. */
  readonly base: string;
  /** The same, without its query. */
  readonly path: string;
  /** The name of one of its tracks: `trackID=1`. */
  readonly control?: string;
}

/** What precedes the path: the scheme, name and password, the host. The second of these is not passed on. */
const ORIGIN = /^(rtsp[su]?:\/\/)([^/?#]*@)?([^/?#]*)/i;
const HOST = /^(?:\[[\w:.%]*\]|[^:@[\]]*)(?::\d*)?$/;
/**
 * Dot segments, backslashes, and characters that end a path once it is decoded: anyone who parses it again, such as an app, would
 * read a different stream.
 */
const AMBIGUOUS = /[?#\\]|(?:^|\/)\.{1,2}(?:\/|$)/;
/** The names that servers and players use for tracks. */
const CONTROL = /^(?:trackid|streamid|stream|track)=\d{1,5}$/i;

/**
 * The track follows the path or the query: `rtsp://h/live/cam1/trackID=0?token=abc` is GStreamer's way, and
 * `rtsp://h/live/cam1?token=abc/trackID=0` that of ffmpeg.
 *
 * @param controls Known track names, whatever they look like.
 * @returns undefined if it names no stream
 */
export function parseUri(uri: string, controls: readonly string[] = []): RtspUri | undefined {
  const [whole = '', scheme = '', , host = ''] = ORIGIN.exec(uri) ?? [];
  // `rtsp://me:a/b@h/live/cam1` has the host `me` and an invalid port: what would be taken for the rest is part of the password.
  if (!HOST.test(host)) return undefined;
  const [target = ''] = uri.slice(whole.length).split('#', 1);
  const queryAt = target.indexOf('?');
  const path = cut(queryAt < 0 ? target : target.slice(0, queryAt), controls);
  const query = cut(queryAt < 0 ? '' : target.slice(queryAt + 1), controls);
  if (path.rest !== '' && !path.rest.startsWith('/')) return undefined;
  const name = decoded(path.rest);
  if (AMBIGUOUS.test(name)) return undefined;
  const stream = streamCode(name);
  if (stream === undefined) return undefined;
  const upToQuery = `${scheme}${host}${path.rest}`;
  const base = `${upToQuery}${queryAt < 0 ? '' : '?'}${query.rest}`;
  const control = query.control ?? path.control;
  return { stream, query: query.rest, base, path: upToQuery, ...(control !== undefined && { control }) };
}

/**
 * What DESCRIBE calls the stream and its tracks. According to RFC 2326 (appendix C.1.1), players resolve track names against
 * `Content-Base`, but most append one to the other, and some remove the query first. Without a query, the result is always the
 * same. With one, which contains the token, tracks are named in full.
 */
export function namesOf({ path, query }: RtspUri, track: (index: number) => string): Names {
  if (query === '') return { contentBase: `${path}/`, controlOf: track };
  return { contentBase: `${path}/?${query}`, controlOf: (index) => `${path}/${track(index)}?${query}` };
}

export interface Names {
  readonly contentBase: string;
  controlOf(this: void, index: number): string;
}

/** Some players leave `user:password@` in the URL, exposing it to everything that reads URLs: logs, policies, authorisers. */
export const anonymous = (uri: string): string => uri.replace(ORIGIN, '$1$3');

/** Separates the track's name from what precedes it. A trailing slash is ignored. */
function cut(text: string, controls: readonly string[]): { rest: string; control?: string } {
  const rest = text.endsWith('/') ? text.slice(0, -1) : text;
  const known = controls.find((name) => rest.endsWith(`/${name}`));
  const control = known ?? rest.slice(rest.lastIndexOf('/') + 1);
  if (known === undefined && !(rest.includes('/') && CONTROL.test(control))) return { rest };
  return { rest: rest.slice(0, -control.length - 1), control };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
