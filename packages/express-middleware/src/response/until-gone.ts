import type { PlaybackRequest, PlaybackResponse } from '../connect.js';

/**
 * Calls `gone` when the client of a response goes away. Behind another response of a pipeline Node tells only the
 * request; the connection is not asked, for a pipeline would put more listeners on it than Node likes.
 *
 * @returns stops waiting for it.
 */
export function untilGone(req: PlaybackRequest, res: PlaybackResponse, gone: () => void): () => void {
  req.on('close', gone);
  res.on('close', gone);
  return () => {
    req.off('close', gone);
    res.off('close', gone);
  };
}
