import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Ask } from './silence-counters.js';

/** User control messages (7.1.7 of the RTMP specification), on their chunk stream, for the whole connection. */
const CONTROL_HEAD = Buffer.from('020000000000060400000000', 'hex');
const [PING, PONG] = [6, 7];
const NONCE_BYTES = 4;

/** RTMP's ping. The response repeats what was sent, which is different each time. */
export const rtmpPing =
  (socket: Duplex): Ask =>
  (answered) => {
    if (!socket.writable) return undefined;
    const nonce = randomBytes(NONCE_BYTES);
    const pong = Buffer.from([0, PONG, ...nonce]);
    const onData = (data: Buffer): void => {
      if (!data.includes(pong)) return;
      stop();
      answered();
    };
    const stop = (): unknown => socket.off('data', onData);
    socket.on('data', onData);
    socket.write(Buffer.concat([CONTROL_HEAD, Buffer.from([0, PING]), nonce]));
    return () => void stop();
  };

/** An HTTP/2 connection. */
export interface PingedHttp2Session {
  readonly destroyed: boolean;
  ping(answered: (error: Error | null) => void): boolean;
}

/** HTTP/2's ping (RFC 9113, 6.7) on the connection that carries the client's stream. */
export const http2Ping =
  (session: PingedHttp2Session | undefined): Ask =>
  (answered) => {
    let listens = session?.destroyed === false;
    const isAsked = listens && session?.ping((error) => void (listens && error === null && answered()));
    return isAsked ? () => void (listens = false) : undefined;
  };

/** A WebSocket of `ws`. */
export interface PingedWebSocket extends EventEmitter {
  readonly readyState: number;
  readonly OPEN: number;
  ping(): void;
}

/** WebSocket's ping, which every client answers automatically (RFC 6455, 5.5.2). */
export const webSocketPing =
  (ws: PingedWebSocket): Ask =>
  (answered) => {
    if (ws.readyState !== ws.OPEN) return undefined;
    const onPong = (): void => {
      stop();
      answered();
    };
    const stop = (): unknown => ws.off('pong', onPong);
    ws.on('pong', onPong);
    ws.ping();
    return () => void stop();
  };
