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
  /** What names one track of it: `trackID=1`. */
  readonly control?: string;
}

/** What stands before the path: the scheme, a name and password, the host. Of these, the second is nobody's business. */
const ORIGIN = /^(rtsp[su]?:\/\/)([^/?#]*@)?([^/?#]*)/i;
const HOST = /^(?:\[[\w:.%]*\]|[^:@[\]]*)(?::\d*)?$/;
/** Dot segments, backslashes, and what ends a path once it is decoded: who parses it again, as an app may, would read another stream. */
const AMBIGUOUS = /[?#\\]|(?:^|\/)\.{1,2}(?:\/|$)/;
/** What servers and players call tracks. */
const CONTROL = /^(?:trackid|streamid|stream|track)=\d{1,5}$/i;

/**
 * A track stands behind the path, or behind the query: `rtsp://h/live/cam1/trackID=0?token=abc` is GStreamer's way, and
 * `rtsp://h/live/cam1?token=abc/trackID=0` that of ffmpeg.
 *
 * @param controls Names of tracks that are known, whatever they look like.
 * @returns undefined when it names no stream
 */
export function parseUri(uri: string, controls: readonly string[] = []): RtspUri | undefined {
  const [whole = '', scheme = '', , host = ''] = ORIGIN.exec(uri) ?? [];
  // `rtsp://me:a/b@h/live/cam1` has host `me` and a port that is none: what would become of the rest is a part of the password.
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
 * What DESCRIBE calls the stream and its tracks. RFC 2326 (appendix C.1.1) has players resolve the names of tracks against
 * `Content-Base`, most of them append the one to the other, and some take the query off first. Without a query all come to the
 * same. With one, in which the token is, a track is named in full.
 */
export function namesOf({ path, query }: RtspUri, track: (index: number) => string): Names {
  if (query === '') return { contentBase: `${path}/`, controlOf: track };
  return { contentBase: `${path}/?${query}`, controlOf: (index) => `${path}/${track(index)}?${query}` };
}

export interface Names {
  readonly contentBase: string;
  controlOf(this: void, index: number): string;
}

/** Players that leave `user:password@` in the URL send it to whoever reads URLs: logs, policies, authorisers. */
export const anonymous = (uri: string): string => uri.replace(ORIGIN, '$1$3');

/** Parts what comes before the track from its name. A slash at the end says nothing. */
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
