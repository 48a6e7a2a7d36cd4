import type { Socket } from 'node:net';
import type { CloseReason, Denial, SourceWait } from '@stream-sessions/core';
import { denialStatus, denialText, type ByteCounters, type TransportClient } from '@stream-sessions/core/spi';
import type { ServerWebSocket, UpgradeAnswer } from '../server.js';
import { farewell } from './farewell.js';
import { WebSocketByteCounters } from './websocket-byte-counters.js';

/** A frame that is none is an `error` of the WebSocket, which closes it; without a listener it would end the process. */
const ignore = (): void => undefined;

/** When a client whose source did not come in time may try again. */
const RETRY_AFTER_MS = 2_000;

/** A client that hangs up before its upgrade; afterwards its WebSocket knows what to do. */
function destroy(this: Socket): void {
  this.destroy();
}

/** A client from its request to upgrade until its WebSocket has closed, as its `TransportConnection` needs it. */
export class UpgradeClient implements TransportClient, ByteCounters {
  private ws: ServerWebSocket | undefined = undefined;
  private bytes: WebSocketByteCounters | undefined = undefined;
  private isPaused = false;
  /** For the source of its stream. */
  private wait: SourceWait | undefined = undefined;

  constructor(
    private readonly socket: Socket,
    private readonly silenceTimeoutMs: number,
    /** Of the socket, for as long as the client is watched. */
    private readonly onClose: () => void,
    /** Until it was called. */
    private answer: UpgradeAnswer | undefined,
    /** Whether there is a source to wait for, once it is let in. */
    private readonly ready: (() => SourceWait | undefined) | undefined,
  ) {
    socket.on('close', onClose);
  }

  /** The bytes of the upgrade itself do not count: what is sent and received begins with the first frame. */
  upgraded(ws: ServerWebSocket): void {
    this.ws = ws;
    this.socket.off('end', destroy);
    ws.on('error', ignore);
    this.bytes = new WebSocketByteCounters(ws, this.socket, this.silenceTimeoutMs);
  }

  /** The tracker was asked: goes on, unless that has still to be answered, or was. */
  asked(): void {
    if (!this.isPaused) this.resume();
  }

  counters(): ByteCounters {
    return this;
  }

  pause(): void {
    this.isPaused = true;
    this.listen();
  }

  resume(): void {
    this.isPaused = false;
    this.wait = this.answer === undefined ? undefined : this.ready?.();
    if (this.wait === undefined) return this.give((answer) => answer(true));
    this.listen();
    void this.wait.then((runs) => {
      this.wait = undefined;
      this.give((answer) => {
        if (runs) answer(true);
        else refuse(answer, 503, 'Its source does not run yet.', Date.now() + RETRY_AFTER_MS);
      });
    });
  }

  reject(denial: Denial): void {
    // the detail is for operators
    const text = denialText({ ...denial, detail: undefined });
    this.give((answer) => refuse(answer, denialStatus(denial), text, denial.until));
  }

  destroy(reason: CloseReason): void {
    if (this.ws !== undefined) farewell(this.ws, reason);
    else this.give((answer) => refuse(answer, reason === 'shutdown' ? 503 : 403, reason));
  }

  dispose(): void {
    // who waits has still to be answered
    if (this.wait === undefined) this.answer = undefined;
    else this.wait.cancel();
    this.socket.off('close', this.onClose).off('end', destroy);
  }

  sent(): number {
    return this.bytes?.sent() ?? 0;
  }

  received(): number {
    return this.bytes?.received() ?? 0;
  }

  waiting(): number {
    return this.bytes?.waiting() ?? 0;
  }

  isGone(now: number): boolean {
    return this.bytes?.isGone(now) ?? false;
  }

  release(): void {
    this.bytes?.release();
  }

  /** Otherwise nothing is read before the upgrade, not even the end. What comes stays in the socket, which bounds it. */
  private listen(): void {
    this.socket.off('end', destroy).on('end', destroy).read(0);
  }

  private give(say: (answer: UpgradeAnswer) => void): void {
    const { answer } = this;
    this.answer = undefined;
    if (answer !== undefined) say(answer);
  }
}

/** Answers with a status of HTTP, and plain text. */
export function refuse(answer: UpgradeAnswer, status: number, text: string, until?: number): void {
  const seconds = Math.max(1, Math.ceil(((until ?? Infinity) - Date.now()) / 1000));
  answer(false, status, `${text}\n`, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer' }),
    ...(Number.isFinite(seconds) && { 'Retry-After': String(seconds) }),
  });
}
