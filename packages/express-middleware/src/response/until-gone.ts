import { isHttp2, type PlaybackRequest, type PlaybackResponse } from '../connect.js';

/** Nobody is left to answer, and no `close` will come any more. */
export function isGone(req: PlaybackRequest, res: PlaybackResponse): boolean {
  return isHttp2(res) ? res.stream.destroyed : res.destroyed || req.socket.destroyed;
}

/**
 * Calls `gone` once when the client goes away. Behind another response of a pipeline Node tells only the request.
 *
 * @returns stops waiting for it.
 */
export function untilGone(req: PlaybackRequest, res: PlaybackResponse, gone: () => void): () => void {
  const stop = () => {
    req.off('close', onClose);
    res.off('close', onClose);
  };
  const onClose = () => {
    if (!isGone(req, res)) return;
    stop();
    gone();
  };
  req.on('close', onClose);
  res.on('close', onClose);
  return stop;
}
