import type { Socket } from 'node:net';
import type { CloseReason, Denial, SourceWait } from '@stream-sessions/core';
import { denialStatus, denialText, type ByteCounters, type TransportClient } from '@stream-sessions/core/spi';
import type { ServerWebSocket, UpgradeAnswer } from '../server.js';
import { farewell } from './farewell.js';
import { refuse } from './refuse.js';
import { UpgradeQuestion } from './upgrade-question.js';
import { WebSocketByteCounters } from './websocket-byte-counters.js';

/** An invalid frame causes an `error` event on the WebSocket, which closes; without a listener, it would end the process. */
const ignore = (): void => undefined;

/** For a client that hangs up before its upgrade; afterwards its WebSocket handles that. */
function destroy(this: Socket): void {
  this.destroy();
}

/** What the clients of a server share. */
export interface SocketWatch {
  /** A listener for a socket, for as long as its client is watched. */
  readonly onClose: () => void;
  readonly silenceTimeoutMs: number;
}

/** A client, from its upgrade request until its WebSocket has closed, as its `TransportConnection` needs it. */
export class UpgradeClient implements TransportClient, ByteCounters {
  /** Set once it is upgraded. */
  private bytes: WebSocketByteCounters | undefined = undefined;
  /** Set until it is upgraded. */
  private question: UpgradeQuestion | undefined;

  /** @param ready Returns the wait for a source, if any, once the client is admitted. */
  constructor(
    private readonly socket: Socket,
    private readonly watch: SocketWatch,
    answer: UpgradeAnswer,
    ready: (() => SourceWait | undefined) | undefined,
  ) {
    this.question = new UpgradeQuestion(answer, ready);
    socket.on('close', watch.onClose);
  }

  /** The bytes of the upgrade itself do not count: counting begins with the first frame. */
  upgraded(ws: ServerWebSocket): void {
    this.question = undefined;
    this.socket.off('end', destroy);
    ws.on('error', ignore);
    this.bytes = new WebSocketByteCounters(ws, this.socket, this.watch.silenceTimeoutMs);
  }

  /** The tracker has been asked: continues, unless the answer is pending or was a refusal. */
  asked(): void {
    if (this.question?.isPaused === false) this.resume();
  }

  counters(): ByteCounters {
    return this;
  }

  pause(): void {
    if (this.question !== undefined) this.question.isPaused = true;
    this.listen();
  }

  resume(): void {
    if (this.question?.letIn() === true) this.listen();
  }

  reject(denial: Denial): void {
    // the detail is only for operators
    const text = denialText({ ...denial, detail: undefined });
    this.question?.give((answer) => refuse(answer, denialStatus(denial), text, denial.until));
  }

  destroy(reason: CloseReason): void {
    if (this.bytes !== undefined) farewell(this.bytes.ws, reason);
    else this.question?.give((answer) => refuse(answer, reason === 'shutdown' ? 503 : 403, reason));
  }

  dispose(): void {
    this.question?.dispose();
    this.socket.off('close', this.watch.onClose).off('end', destroy);
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

  /** Otherwise nothing is read before the upgrade, not even the end. What arrives stays in the socket, which bounds it. */
  private listen(): void {
    this.socket.off('end', destroy).on('end', destroy).read(0);
  }
}
