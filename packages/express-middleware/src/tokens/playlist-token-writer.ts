import type { HttpHit, SessionTracker } from '@stream-sessions/core';
import Negotiator from 'negotiator';
import type { PlaybackRequest, PlaybackResponse } from '../connect.js';
import type { MediaRequest } from '../media/media-request.js';
import type { Prepared } from '../options.js';
import type { RequestInfo } from '../request/request-info.js';
import { CollectedBody } from '../response/collected-body.js';
import { askForPlainText } from '../response/plain-request.js';
import { type PlaylistCounts, WrittenHead, WrittenPlaylist } from '../response/written-playlist.js';
import { writeDash } from '../rewrite/dash.js';
import { writeHls } from '../rewrite/hls.js';
import { TokenInUri } from '../rewrite/token-in-uri.js';
import { CookieTokens } from './cookie.js';

export type { PlaylistCounts };

/** What is written into the response to a playlist request once its viewer is admitted. */
export interface RewritePlan {
  /** The viewer, with the token it was given if it brought none. */
  readonly hit: HttpHit;
  readonly cookie: string | undefined;
  /** The token for the URIs. */
  readonly token: string | undefined;
  readonly isDash: boolean;
}

/** Writes viewer tokens into playlists and cookies, where the options and the tracker's policies call for it. */
export class PlaylistTokenWriter {
  readonly counts: PlaylistCounts = { written: 0, tooLong: 0, unreadable: 0 };
  private readonly cookies: CookieTokens | undefined;

  constructor(
    private readonly options: Prepared,
    private readonly tracker: SessionTracker,
  ) {
    const { writeCookie, writtenCookie } = options.writing;
    this.cookies = writeCookie ? new CookieTokens(writtenCookie) : undefined;
  }

  get writesUrls(): boolean {
    return this.options.writing.writeUrl ?? this.tracker.authorises;
  }

  /** What to write for this viewer; undefined: nothing. */
  plan(seen: RequestInfo, { type, query }: MediaRequest, hit: HttpHit): RewritePlan | undefined {
    const { cookies } = this;
    let cookie: string | undefined;
    if (cookies !== undefined) {
      if (isNameless(hit)) hit = { ...hit, token: (cookie = cookies.give(hit)) };
      else if (cookies.isBack(hit, seen.headers.cookie)) cookie = hit.token;
    }
    const token = this.isWritten(hit.token, seen, query) ? hit.token : undefined;
    if (cookie === undefined && token === undefined) return undefined;
    return { hit, cookie, token, isDash: type.protocol === 'dash' };
  }

  /** Called before the handlers run. */
  write({ hit, cookie, token, isDash }: RewritePlan, seen: RequestInfo, res: PlaybackResponse): void {
    const secure = hit.secure === true;
    if (cookie !== undefined) this.cookies?.set(res, cookie, secure);
    if (token === undefined) return;
    const { writing, client, tokens: reader } = this.options;
    const origin = { host: client.host(seen), secure };
    const tokens = new TokenInUri(writing.writtenParameter, token, origin, writing.parameters);
    const change = (text: string) => (isDash ? writeDash : writeHls)(text, tokens, writing.playlistsOnly);
    const compress = new Negotiator(seen).encoding(['gzip', 'identity']) === 'gzip';
    askForPlainText(seen.req);
    const onTooLong = () => warnTooLong(reader.hide((seen.req.url ?? '').split('?', 1)[0] as string, token));
    new CollectedBody(res, new WrittenPlaylist(res, this.counts, compress, change, onTooLong));
  }

  /** The same for HEAD, which has no text to write into. */
  writeHead(req: PlaybackRequest, res: PlaybackResponse): void {
    askForPlainText(req);
    new CollectedBody(res, new WrittenHead(res));
  }

  private isWritten(token: string | undefined, seen: RequestInfo, query: string): boolean {
    if (!this.writesUrls || !token) return false;
    if (this.options.writing.writeUrl === undefined && this.isOfCookie(token, seen, query)) return false;
    // lone surrogates cannot be escaped
    return !/[\ud800-\udfff]/u.test(token);
  }

  /** A token from a cookie stays there by default: the player sends it anyway, and scripts should not find it in a playlist. */
  private isOfCookie(token: string, { headers }: RequestInfo, query: string): boolean {
    const { tokens } = this.options;
    return tokens.fromUrl(query) !== token && tokens.read('', headers.cookie) === token;
  }
}

/** Nothing names the viewer: a token of ours would only get in the way of credentials, or of hits that are not viewers. */
const isNameless = ({ token, credentials, kind }: HttpHit): boolean =>
  !token && credentials === undefined && (kind === undefined || kind === 'viewer');

let warned = false;

function warnTooLong(path: string): void {
  if (warned) return;
  warned = true;
  process.emitWarning(
    `${path.slice(0, 100)} is longer than 4 MB: it was passed on as it is, without the viewer's token in it. ` +
      'The figure playlists.tooLong of what trackPlayback() returned counts these.',
    { type: 'StreamSessionsWarning', code: 'STREAM_SESSIONS_PLAYLIST_TOO_LONG' },
  );
}
