import { EventEmitter } from 'node:events';
import type { CloseReason } from '@stream-sessions/core';
import type { SrtSocket } from '../binding/binding.js';
import type { SrtStatistics } from '../binding/statistics.js';
import type { SrtRequest } from '../protocol/request.js';
import type { SrtConnection } from '../source.js';
import { HeldMedia } from './held-media.js';

/** A publisher or player of `createSrtServer()`. */
export interface SrtRelayConnection extends SrtConnection {
  /** As the caller sent it, or as the server's option `streamId` translated it. It may contain the caller's credentials. */
  readonly streamId: string;
  readonly remotePort: number;
  readonly peerVersion: string;
  readonly secure: boolean;
  /** The stream it publishes or plays. */
  readonly stream: string;
  /** `input` publishes, `viewer` plays. */
  readonly kind: 'viewer' | 'input';
  /** Round trip time, loss and so on, as libsrt measures them now; undefined once the connection is closed. */
  statistics(): SrtStatistics | undefined;
}

/** What a connection needs from its server: to join its stream once nothing holds it any more, and to be forgotten. */
export interface ConnectionHost {
  join(connection: RelayConnection): void;
  leave(connection: RelayConnection): void;
  /** Hangs up on a caller that has not joined its stream. */
  reject(socket: SrtSocket): void;
  /** A player has sent something. */
  hasSpoken(connection: RelayConnection): void;
}

export class RelayConnection extends EventEmitter<{ close: [reason?: CloseReason] }> implements SrtRelayConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly peerVersion: string;
  readonly secure: boolean;
  readonly stream: string;
  readonly kind: 'viewer' | 'input';
  bytesSent = 0;
  bytesReceived = 0;
  /** The server itself holds it while emitting its event. */
  private holds = 1;
  private heldMedia: HeldMedia | undefined = undefined;
  private open = true;

  constructor(
    private readonly socket: SrtSocket,
    readonly streamId: string,
    { stream, kind }: SrtRequest,
    private readonly host: ConnectionHost,
  ) {
    super();
    this.setMaxListeners(0);
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.peerVersion = socket.peerVersion;
    this.secure = socket.secure;
    this.stream = stream;
    this.kind = kind;
    socket.onClose(() => this.over());
    // Nobody reads what a player sends, and left unread it would fill a buffer of megabytes.
    if (kind === 'viewer') socket.expectSilence(() => host.hasSpoken(this));
  }

  statistics(): SrtStatistics | undefined {
    return this.socket.statistics();
  }

  hold(): () => void {
    // too late: it has already joined its stream, or has gone
    if (this.holds === 0 || !this.open) return () => undefined;
    let held = true;
    this.holds++;
    if (this.kind === 'input') this.holdMedia();
    return () => {
      if (held) this.release();
      held = false;
    };
  }

  /** Releases one of the holds. Media flows once the last one is released. */
  release(): void {
    if (--this.holds === 0 && this.open) this.host.join(this);
  }

  close(_code?: number): void {
    this.end('client_gone');
  }

  /** Ends the connection, with a reason. */
  end(reason: CloseReason): void {
    if (!this.open) return;
    if (this.holds > 0) this.host.reject(this.socket);
    else this.socket.close();
    this.over(reason);
  }

  /** Sends a packet of its stream, at most 1,316 bytes. A packet that it cannot take is lost. */
  give(packet: Uint8Array): void {
    if (this.socket.send(packet)) this.bytesSent += packet.length;
  }

  /** Starts reading what it sends. */
  take(onPacket: (packet: Uint8Array) => void): void {
    const take = (packet: Uint8Array): void => {
      this.bytesReceived += packet.length;
      onPacket(packet);
    };
    this.heldMedia?.giveBack(take);
    this.heldMedia = undefined;
    this.socket.read(take);
  }

  private holdMedia(): void {
    if (this.heldMedia !== undefined) return;
    const media = (this.heldMedia = new HeldMedia());
    this.socket.read((packet) => media.add(packet));
  }

  private over(reason?: CloseReason): void {
    this.open = false;
    this.heldMedia = undefined;
    this.host.leave(this);
    this.emit('close', reason);
  }
}
