import { streamCode } from '@stream-sessions/core';

/** What an RTSP URL names (RFC 2326 §3.2). */
export interface RtspUri {
  /** The stream, spelled as in every adapter: see `streamCode()`. */
  readonly stream: string;
  /** Without `?`. */
  readonly query: string;
  /** The URL without its track. */
  readonly base: string;
  /** What names one track of it: `trackID=1`. */
  readonly control?: string;
}

const SCHEME_AND_HOST = /^rtsp[su]?:\/\/[^/?#]*/i;
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
  const [host = ''] = SCHEME_AND_HOST.exec(uri) ?? [];
  const [target = ''] = uri.slice(host.length).split('#', 1);
  const queryAt = target.indexOf('?');
  const path = cut(queryAt < 0 ? target : target.slice(0, queryAt), controls);
  const query = cut(queryAt < 0 ? '' : target.slice(queryAt + 1), controls);
  if (path.rest !== '' && !path.rest.startsWith('/')) return undefined;
  const name = decoded(path.rest);
  if (AMBIGUOUS.test(name)) return undefined;
  const stream = streamCode(name);
  if (stream === undefined) return undefined;
  const base = `${host}${path.rest}${queryAt < 0 ? '' : '?'}${query.rest}`;
  const control = query.control ?? path.control;
  return { stream, query: query.rest, base, ...(control !== undefined && { control }) };
}

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
