import type { CloseReason, Denial, SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, needTracker, type Attachment } from '@stream-sessions/core/spi';
import type { ConnectMiddleware, PlaybackRequest, PlaybackResponse } from '../connect.js';
import { requestInfo } from '../request/request-info.js';
import { refuse, refuseNoStream } from '../response/refuse.js';
import { findResponse } from '../response/response-queue.js';
import { untilGone } from '../response/until-gone.js';
import { headOnly, withholdBodyHeaders } from '../response/withhold-body.js';
import { hitOfStream } from './hit-of-stream.js';
import { streamSettings, type StreamSettings, type TrackStreamOptions } from './options.js';
import { StreamClient } from './stream-client.js';

type Next = (error?: unknown) => void;

/** What `trackStream()` returns: a handler for `app.get()`, and `detach()`, which leaves the responses running. */
export type StreamMiddleware = ConnectMiddleware & Attachment;

/**
 * Counts and cuts a long-lived response, of anything that an app sends without an end: Server-Sent Events,
 * `multipart/x-mixed-replace`, MPEG-TS or FLV over HTTP. The response is one connection in the list, from here to its end. Put
 * this right before the handler.
 *
 * A refused viewer gets 401, 403, 429 or 503, and the handler never runs; a kick destroys the response. HEAD and OPTIONS pass,
 * and their response ends where its body would begin.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 * @example app.get('/cam1.mjpeg', trackStream(tracker, { stream: 'cam1', protocol: 'mjpeg' }), (req, res) => camera.pipe(res));
 */
export function trackStream(tracker: SessionTracker, options: TrackStreamOptions): StreamMiddleware {
  needTracker('trackStream: the first argument', tracker);
  const settings = streamSettings(options);
  const connections = new ConnectionSet<PlaybackResponse, StreamClient>(tracker, settings);
  let attached = true;

  const middleware: ConnectMiddleware = function trackStreamMiddleware(req, res, next) {
    if (!attached) return next();
    if (req.method === 'HEAD' || req.method === 'OPTIONS') {
      if (req.method === 'OPTIONS') withholdBodyHeaders(res);
      headOnly(res);
      return next();
    }
    const seen = requestInfo(req);
    const { outlet } = seen;
    // two handlers of one tracker count a response once
    if (outlet.destroyed || findResponse(outlet, res)?.isToldTo(tracker)) return next();
    let client: StreamClient;
    try {
      const hit = hitOfStream(seen, settings);
      if (hit === null) return void next();
      if (hit === undefined) return refuseNoStream(req, res);
      const no = (denial: Denial) => deny(req, res, next, denial, settings);
      const onEnd = (reason: CloseReason) => connections.get(res)?.close(reason, reason === 'over_speed');
      client = new StreamClient(seen, res, tracker, next, no, onEnd);
      connections.add(res, client, hit, (gone) => untilGone(req, res, () => outlet.destroyed && gone()));
    } catch (error) {
      return next(error);
    }
    // Not in the try block, because errors of the handler are not ours.
    client.asked();
  };
  return Object.assign(middleware, {
    async detach() {
      attached = false;
      connections.close();
    },
  });
}

function deny(
  req: PlaybackRequest,
  res: PlaybackResponse,
  next: Next,
  denial: Denial,
  { onDenied }: StreamSettings,
): void {
  if (onDenied === undefined) return refuse(req, res, denial);
  try {
    // a failing async one must not cause an unhandled rejection
    Promise.resolve(onDenied(req, res, denial)).catch(next);
  } catch (error) {
    next(error);
  }
}
