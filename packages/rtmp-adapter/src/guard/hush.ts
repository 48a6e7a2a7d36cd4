import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { Allowance } from './allowance.js';

interface FlvRequest extends EventEmitter {
  readonly socket: Pick<Duplex, 'destroy'>;
  /** HTTP/2 only. */
  readonly stream?: Pick<Duplex, 'destroy'>;
}

type FlvResponse = EventEmitter & { terminate?: unknown };

const isWebSocket = (res: FlvResponse): res is EventEmitter & { terminate(): void } =>
  typeof res.terminate === 'function';

/** Ends a connection over WebSocket or HTTP (with HTTP/2, the stream) without notice. */
export function cutterOf(req: FlvRequest, res: FlvResponse): () => void {
  return isWebSocket(res) ? () => res.terminate() : () => void (req.stream ?? req.socket).destroy();
}

/** Discards what a player over HTTP or WebSocket sends, and ends the connection if it sends too much. */
export function hush(req: FlvRequest, res: FlvResponse): void {
  const allowance = new Allowance();
  const cut = cutterOf(req, res);
  const heard = (data: { readonly length: number }): void => {
    if (!allowance.take(data.length)) cut();
  };
  if (!isWebSocket(res)) return void req.on('data', heard);
  res.on('message', heard);
  // A message that is too long: the server would wait half a minute for the client to confirm the close.
  res.once('error', cut);
}
