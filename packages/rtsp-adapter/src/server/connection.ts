import type { Socket } from 'node:net';
import type { CloseReason } from '@stream-sessions/core';
import { destroyLater } from '@stream-sessions/core/spi';
import type { Authorizers } from '../client/authorizers.js';
import { warnOfFault } from '../warn.js';
import { RtspParser, RtspSyntaxError, type ParserSink } from '../protocol/parser.js';
import type { RtspRequest } from '../protocol/request.js';
import { formatReply } from '../protocol/response.js';
import type { Streams } from '../relay/streams.js';
import { RtspSession, type SessionReply } from './rtsp-session.js';
import type { ConnectionControl } from './connection-control.js';
import type { RelaySettings } from './options.js';
import { Silence } from './silence.js';

const KEEP_ALIVE_MS = 30_000;
/** The most response data that may wait for a client that does not read. Bytes. */
const MAX_UNREAD_BYTES = 64 * 1024;
/** The approximate size of a response besides its text. Bytes. */
const ANSWER_BYTES = 256;

/** The server that a connection belongs to. */
export interface ConnectionHost {
  readonly settings: RelaySettings;
  readonly streams: Streams;
  readonly authorizers: Authorizers;
  /** It is now playing or publishing. */
  hasStarted(connection: Connection): void;
  hasEnded(connection: Connection): void;
}

/** One TCP or TLS connection: reads its requests, one after the other, and determines when it is over. */
export class Connection implements ConnectionControl, ParserSink {
  private readonly parser = new RtspParser(this);
  private readonly session: RtspSession;
  private readonly settings: RelaySettings;
  private over = false;
  /** Since when it has been neither playing nor publishing, by the monotonic clock; undefined while it is. */
  private idleSince: number | undefined;
  private unreadBytes = 0;
  private wasHeard = false;
  private readonly silence: Silence;

  constructor(
    readonly socket: Socket,
    private readonly host: ConnectionHost,
    readonly address: string,
    readonly localAddress: string,
    readonly secure: boolean,
    /** By the monotonic clock. */
    now: number,
  ) {
    this.settings = host.settings;
    this.idleSince = now;
    this.silence = new Silence(socket, host.settings.sessionTimeoutMs, now);
    this.session = new RtspSession(this, host.streams, host.authorizers, host.settings);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Buffer) => this.read(() => this.parser.write(chunk)));
    socket.on('error', () => undefined); // 'close' follows, and is enough
    socket.once('close', () => this.ended('client_gone'));
  }

  heard(): void {
    this.wasHeard = true;
  }

  frame(channel: number, payload: Buffer): void {
    this.wasHeard = true;
    this.session.frame(channel, payload);
  }

  request(request: RtspRequest): void {
    this.wasHeard = true;
    this.parser.hold();
    this.answer(request).catch((error: unknown) => {
      warnOfFault(error);
      this.cut('transport_error');
    });
  }

  cut(reason: CloseReason): void {
    this.ended(reason);
    this.socket.destroy();
  }

  /** Checks its timeouts. @param now By the monotonic clock: whoever sets the other one must not end anybody. */
  check(now: number): void {
    const { startTimeoutMs } = this.settings;
    const isSilent = this.silence.look(now, this.wasHeard, this.session);
    this.wasHeard = false;
    if (this.session.isActive) this.idleSince = undefined;
    else this.idleSince ??= now;
    const neverStarts = this.idleSince !== undefined && startTimeoutMs > 0 && now - this.idleSince >= startTimeoutMs;
    if (neverStarts) this.cut('idle');
    else if (isSilent) this.cut('client_gone');
  }

  private async answer(request: RtspRequest): Promise<void> {
    let reply: SessionReply;
    try {
      reply = await this.session.handle(request);
    } catch (error) {
      warnOfFault(error);
      reply = { status: 500, isLast: true };
    }
    if (this.over) return;
    this.send(reply, request.headers.get('cseq'));
    reply.afterwards?.();
    if (this.session.isActive) this.host.hasStarted(this);
    this.read(() => this.parser.resume());
  }

  /** Runs the parser, which reports what it finds. */
  private read(run: () => void): void {
    if (this.over) return;
    try {
      run();
    } catch (error) {
      if (!(error instanceof RtspSyntaxError)) warnOfFault(error);
      const status = error instanceof RtspSyntaxError ? error.status : 500;
      this.send({ status, text: error instanceof RtspSyntaxError ? error.message : '', isLast: true }, undefined);
    }
  }

  private send(reply: SessionReply, cseq: string | undefined): void {
    const { socket } = this;
    if (this.unreadBytes > MAX_UNREAD_BYTES) return this.cut('stalled');
    const text = formatReply(reply, cseq);
    const cost = text.length + ANSWER_BYTES;
    this.unreadBytes += cost;
    socket.write(text, () => (this.unreadBytes -= cost));
    if (reply.isLast !== true) return;
    this.ended('client_gone');
    socket.end();
    destroyLater(socket);
  }

  private ended(reason: CloseReason): void {
    if (this.over) return;
    this.over = true;
    this.parser.stop();
    this.session.close(reason);
    this.host.hasEnded(this);
  }
}
