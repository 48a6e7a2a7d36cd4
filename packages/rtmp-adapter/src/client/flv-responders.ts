import type { Duplex } from 'node:stream';
import { denialStatus, denialText, destroyLater, HANG_UP_MS, type Responder } from '@stream-sessions/core/spi';
import { uncorkAll } from './rtmp-responder.js';

/** The parts of an HTTP response that a refusal needs. */
export interface FlvResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string | number): unknown;
  end(text?: string): unknown;
}

/**
 * A refusal or kick over HTTP: a refusal sends the status of the denial before any body; a kick sends nothing, because the body
 * has begun.
 */
export function httpResponder(res: FlvResponse, outlet: Duplex, isHttp2: boolean): Responder {
  const destroy = (): unknown => outlet.destroy();
  return {
    reject(denial) {
      if (res.headersSent) return void destroy();
      const text = `${denialText(denial)}\n`;
      answerAndHangUp(res, outlet, isHttp2, denialStatus(denial), text);
    },
    destroy: () => void destroy(),
  };
}

/** Sends a plain response and closes the connection: node-media-server keeps a request until its socket is gone. */
export function answerAndHangUp(
  res: FlvResponse,
  outlet: Duplex,
  isHttp2: boolean,
  status: number,
  text: string,
): void {
  res.statusCode = status;
  res.setHeader('Content-Type', 'text/plain; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store');
  if (!isHttp2) res.setHeader('Connection', 'close');
  res.setHeader('Content-Length', Buffer.byteLength(text));
  res.end(text);
  destroyLater(outlet);
}

/** A WebSocket of `ws`. */
export interface FlvWebSocket {
  close(code: number, reason: string): void;
  terminate(): void;
}

/** A refusal or kick over WebSocket: close code 4000 + status for a refusal, 4000 for a kick. */
export function webSocketResponder(ws: FlvWebSocket, outlet: Duplex): Responder {
  const close = (code: number, reason: string, terminateAfterMs: number): void => {
    // A close frame has room for at most 123 bytes of UTF-8.
    ws.close(
      code,
      Buffer.from(reason)
        .subarray(0, 120)
        .toString()
        .replace(/\uFFFD$/, ''),
    );
    destroyLater({ destroy: () => ws.terminate() }, terminateAfterMs);
  };
  return {
    reject: (denial) => close(4000 + denialStatus(denial), denialText(denial), HANG_UP_MS),
    destroy(reason) {
      uncorkAll(outlet);
      // If media is still queued ahead of it, the message would arrive too late, after that media.
      if (outlet.writableLength > 0) ws.terminate();
      else close(4000, reason, 50);
    },
  };
}
