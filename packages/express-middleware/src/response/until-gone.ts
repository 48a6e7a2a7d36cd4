import type { PlaybackRequest, PlaybackResponse } from '../connect.js';

/**
 * Calls `gone` when the client of a response goes away. For a response queued behind another one in a pipeline, Node notifies
 * only the request; the connection is not used, because a pipeline would add more listeners to it than Node accepts without a
 * warning.
 *
 * @returns a function that stops waiting.
 */
export function untilGone(req: PlaybackRequest, res: PlaybackResponse, gone: () => void): () => void {
  req.on('close', gone);
  res.on('close', gone);
  return () => {
    req.off('close', gone);
    res.off('close', gone);
  };
}
