import type {
  Admission,
  Denial,
  HttpHit,
  PendingAdmission,
  RequestHandle,
  SessionTracker,
} from '@stream-sessions/core';
import type { ConnectMiddleware, PlaybackRequest, PlaybackResponse } from './connect.js';
import { ManifestMemory } from './media/manifest-memory.js';
import { UNREADABLE } from './media/media-path.js';
import { type Observation, observer, viewerOf } from './observe.js';
import { prepare, type TrackPlaybackOptions } from './options.js';
import { offerPlaySession } from './request/play-session.js';
import { refuse, refuseUnreadable } from './response/refuse.js';
import { Transfer } from './response/transfer.js';
import { isGone, untilGone } from './response/until-gone.js';

type Next = (error?: unknown) => void;
type Settled = Admission<RequestHandle>;
type Pending = PendingAdmission<RequestHandle>;

/** Who has been asked about a response already: two mounts of one tracker count it once. */
const ASKED = Symbol('stream-sessions.asked');
type Asked = { [ASKED]?: SessionTracker };

/**
 * Counts and controls who plays HLS and DASH: put it before what serves the files, and before `compression`.
 *
 * A GET of a playlist or segment asks the tracker; who may not watch is answered 403 (401, 429, 503). Bytes are credited
 * while the response runs, a kick destroys it. Later handlers find the session in `req.playSession`. Everything else
 * passes untouched.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example
 * app.use('/live', trackPlayback(tracker), express.static('media'));
 */
export function trackPlayback(tracker: SessionTracker, options: TrackPlaybackOptions = {}): ConnectMiddleware {
  const prepared = prepare(options);
  const { onDenied } = prepared;
  const memory = new ManifestMemory();
  const observe = observer(prepared, memory);

  // only when it has been served: names that do not exist should not fill the memory
  const remember = (hit: HttpHit) => memory.remember(viewerOf(hit), hit.protocol);

  const settle = (req: PlaybackRequest, res: PlaybackResponse, next: Next, seen: Observation, answer: Settled) => {
    if (!answer.admitted) return deny(req, res, next, answer.denial);
    offerPlaySession(req, answer.handle);
    new Transfer(req, res, answer.handle, seen.manifest ? () => remember(seen.hit) : undefined);
    next();
  };

  const deny = (req: PlaybackRequest, res: PlaybackResponse, next: Next, denial: Denial) => {
    if (onDenied === undefined) return refuse(res, denial);
    try {
      // an async one that fails should not be an unhandled rejection
      Promise.resolve(onDenied(req, res, denial)).catch(next);
    } catch (error) {
      next(error);
    }
  };

  const wait = (req: PlaybackRequest, res: PlaybackResponse, next: Next, seen: Observation, pending: Pending) => {
    let gone = false;
    const stop = untilGone(req, res, () => {
      gone = true;
      pending.cancel();
    });
    pending.then(
      (answer) => {
        stop();
        if (!gone && !isGone(req, res)) settle(req, res, next, seen, answer);
        else if (answer.admitted) answer.handle.end();
      },
      (error: unknown) => {
        stop();
        if (!gone) next(error);
      },
    );
  };

  return function trackPlaybackMiddleware(req, res, next) {
    if (req.method !== 'GET' || (res as Asked)[ASKED] === tracker || isGone(req, res)) return next();
    let seen: ReturnType<typeof observe>;
    let answer: Settled | Pending | undefined;
    try {
      seen = observe(req);
      if (typeof seen === 'object') answer = tracker.admit(seen.hit);
    } catch (error) {
      return next(error);
    }
    if (typeof seen !== 'object' || answer === undefined) return seen === UNREADABLE ? refuseUnreadable(res) : next();
    (res as Asked)[ASKED] = tracker;
    if ('then' in answer) wait(req, res, next, seen, answer);
    else settle(req, res, next, seen, answer);
  };
}
