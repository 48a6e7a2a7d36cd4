import type {
  Admission,
  Denial,
  HttpHit,
  PendingAdmission,
  RequestHandle,
  SessionTracker,
  SourceWait,
} from '@stream-sessions/core';
import { needTracker } from '@stream-sessions/core/spi';
import { CmcdReports } from './cmcd/reports.js';
import type { ConnectMiddleware, PlaybackRequest, PlaybackResponse } from './connect.js';
import { ManifestMemory } from './media/manifest-memory.js';
import { UNREADABLE } from './media/media-path.js';
import { mediaFinder, type MediaRequest } from './media/media-request.js';
import { OneStreamWatch } from './media/one-stream-watch.js';
import { NAMELESS } from './media/stream-name.js';
import { hitBuilder, viewerOf } from './hit-builder.js';
import { warnNameless, warnOneStream } from './warnings.js';
import { prepare, type TrackPlaybackOptions } from './options.js';
import { requestInfo, type RequestInfo } from './request/request-info.js';
import { offerPlaySession } from './request/play-session.js';
import { countBody } from './response/count-body.js';
import { findResponse } from './response/response-queue.js';
import { refuse, refuseAsleep, refuseMethod, refuseNameless, refuseUnreadable } from './response/refuse.js';
import { Transfer } from './response/transfer.js';
import { limitSpeed } from './speed/limit-speed.js';
import { withholdBody } from './response/withhold-body.js';
import { type PlaylistCounts, PlaylistTokenWriter, type RewritePlan } from './tokens/playlist-token-writer.js';
import { untilGone } from './response/until-gone.js';

type Next = (error?: unknown) => void;
type Settled = Admission<RequestHandle>;
type Pending = PendingAdmission<RequestHandle>;

/** A request about which the tracker is asked. */
interface Asked {
  readonly seen: RequestInfo;
  readonly stream: string;
  readonly query: string;
  readonly token: string | undefined;
  readonly res: PlaybackResponse;
  readonly next: Next;
  readonly onEnded: (() => void) | undefined;
  readonly plan: RewritePlan | undefined;
}

/** What `trackPlayback()` returns: a handler for `app.use()`, with counters of the playlists it wrote tokens into. */
export interface PlaybackMiddleware extends ConnectMiddleware {
  readonly playlists: Readonly<PlaylistCounts>;
}

/**
 * Counts and controls viewers of HLS and DASH: put it before whatever serves the files, and before `compression`.
 *
 * A GET of a playlist or segment asks the tracker; refused viewers get 403 (401, 429, 503). Bytes are credited while the
 * response runs, and a kick destroys it. Later handlers find the session in `req.playSession`. Other methods get no media:
 * HEAD and OPTIONS pass, the rest is answered 405. Requests for anything but media pass untouched.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example
 * app.use('/live', trackPlayback(tracker), express.static('media'));
 */
export function trackPlayback(tracker: SessionTracker, options: TrackPlaybackOptions = {}): PlaybackMiddleware {
  needTracker('trackPlayback: the first argument', tracker);
  const prepared = prepare(options);
  const { onDenied, ready } = prepared;
  const memory = new ManifestMemory();
  const find = mediaFinder(prepared.types, () => tracker.authorises);
  const buildHit = hitBuilder(prepared, memory);
  const writer = new PlaylistTokenWriter(prepared, tracker);
  const watch = prepared.stream === 'first-segment' ? new OneStreamWatch(warnOneStream(prepared.tokens)) : undefined;
  const reports = new CmcdReports(prepared.tokens.hide);

  // only once it has been served: invented names should not fill the memory
  const remember = (hit: HttpHit, path: string) => () => {
    memory.remember(viewerOf(hit), hit.protocol);
    watch?.served(path);
  };

  const settle = (asked: Asked, answer: Settled) => {
    if (!answer.admitted) return deny(asked.seen.req, asked.res, asked.next, answer.denial);
    const { handle } = answer;
    const source = ready?.(asked.stream);
    if (source === undefined) serve(asked, handle);
    else hold(asked, handle, source);
  };

  const serve = ({ seen, query, token, res, next, onEnded, plan }: Asked, handle: RequestHandle) => {
    offerPlaySession(seen.req, handle);
    const body = countBody(seen, res);
    new Transfer(body, handle, tracker, onEnded);
    if (handle.limits.downMbits !== undefined) limitSpeed(body, handle, onEnded !== undefined);
    reports.take(seen, query, handle, token);
    // above the counter, which counts the bytes that are sent
    if (plan !== undefined) writer.write(plan, seen, res);
    next();
  };

  /** Until the source runs. Nothing is sent meanwhile, so a kick has no bytes to count: it hangs up. */
  const hold = (asked: Asked, handle: RequestHandle, source: SourceWait) => {
    const { seen, res } = asked;
    const { outlet } = seen;
    const stop = untilGone(seen.req, res, () => {
      if (!outlet.destroyed) return;
      stop();
      source.cancel();
    });
    handle.onCut(() => void outlet.destroy());
    void source.then((runs) => {
      stop();
      if (outlet.destroyed || !runs) handle.end();
      if (outlet.destroyed) return;
      if (runs) serve(asked, handle);
      else refuseAsleep(seen.req, res);
    });
  };

  const deny = (req: PlaybackRequest, res: PlaybackResponse, next: Next, denial: Denial) => {
    if (onDenied === undefined) return refuse(req, res, denial);
    try {
      // a failing async one must not cause an unhandled rejection
      Promise.resolve(onDenied(req, res, denial)).catch(next);
    } catch (error) {
      next(error);
    }
  };

  const wait = (asked: Asked, pending: Pending) => {
    const { req, outlet } = asked.seen;
    const stop = untilGone(req, asked.res, () => outlet.destroyed && pending.cancel());
    pending.then(
      (answer) => {
        stop();
        if (!outlet.destroyed) settle(asked, answer);
        else if (answer.admitted) answer.handle.end();
      },
      (error: unknown) => {
        stop();
        if (!outlet.destroyed) asked.next(error);
      },
    );
  };

  /** Only a GET is counted: other methods are refused if they would return media, and pass if they do not. */
  const passOther = (req: PlaybackRequest, res: PlaybackResponse, next: Next) => {
    const media = find(req);
    if (media === undefined) return next();
    if (media === UNREADABLE) return refuseUnreadable(req, res);
    if (req.method === 'HEAD') {
      if (media.type.manifest && writer.writesUrls) writer.writeHead(req, res);
      return next();
    }
    try {
      const hit = buildHit(requestInfo(req), media);
      if (hit === undefined || (hit === NAMELESS && !tracker.authorises)) return next();
    } catch (error) {
      return next(error);
    }
    if (req.method !== 'OPTIONS') return refuseMethod(req, res);
    withholdBody(res);
    next();
  };

  /** No policy can permit a file without a stream, so it is refused where permission is needed. */
  const passNameless = (req: PlaybackRequest, { path }: MediaRequest, res: PlaybackResponse, next: Next) => {
    const { authorises } = tracker;
    if (authorises || typeof prepared.stream !== 'function') warnNameless(prepared.tokens.hide(path, undefined));
    if (authorises) refuseNameless(req, res);
    else next();
  };

  const middleware: ConnectMiddleware = function trackPlaybackMiddleware(req, res, next) {
    if (req.method !== 'GET') return passOther(req, res, next);
    const media = find(req);
    if (media === undefined) return next();
    if (media === UNREADABLE) return refuseUnreadable(req, res);
    const seen = requestInfo(req);
    const { outlet } = seen;
    // two mounts of one tracker count a response once
    if (outlet.destroyed || findResponse(outlet, res)?.isToldTo(tracker)) return next();
    let hit: ReturnType<typeof buildHit>;
    let plan: RewritePlan | undefined;
    let answer: Settled | Pending | undefined;
    try {
      hit = buildHit(seen, media);
      if (typeof hit === 'object') {
        if (media.type.manifest) plan = writer.plan(seen, media, hit);
        answer = tracker.admit(plan?.hit ?? hit);
      }
    } catch (error) {
      return next(error);
    }
    if (hit === UNREADABLE) return refuseUnreadable(req, res);
    if (hit === NAMELESS) return passNameless(req, media, res, next);
    if (hit === undefined || answer === undefined) return next();
    const onEnded = media.type.manifest ? remember(plan?.hit ?? hit, media.path) : undefined;
    const asked = { seen, stream: hit.stream, query: media.query, token: hit.token, res, next, onEnded, plan };
    if ('then' in answer) wait(asked, answer);
    else settle(asked, answer);
  };
  return Object.assign(middleware, { playlists: writer.counts });
}
