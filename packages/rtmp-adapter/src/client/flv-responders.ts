import type { Duplex } from 'node:stream';
import { denialStatus, denialText, destroyLater, HANG_UP_MS, type Responder } from '@stream-sessions/core/spi';
import { uncorkAll } from './rtmp-responder.js';

/** An HTTP response, as far as a refusal needs it. */
export interface FlvResponse {
  statusCode: number;
  readonly headersSent: boolean;
  setHeader(name: string, value: string | number): unknown;
  end(text?: string): unknown;
}

/** A refusal or kick in HTTP's words: the status of the denial before any body; a kick has none, for the body has begun. */
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

/** A plain answer, and the end of the connection: node-media-server never forgets a request before its socket is gone. */
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

/** A refusal or kick in WebSocket's words: close codes 4000 + status for a refusal, 4000 for a kick. */
export function webSocketResponder(ws: FlvWebSocket, outlet: Duplex): Responder {
  const close = (code: number, reason: string, terminateAfterMs: number): void => {
    // Of UTF-8 a close frame takes 123 bytes at the most.
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
      // With media still waiting in front of it the word would come too late, and the media with it.
      if (outlet.writableLength > 0) ws.terminate();
      else close(4000, reason, 50);
    },
  };
}
