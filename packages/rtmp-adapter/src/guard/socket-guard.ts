import type { Socket } from 'node:net';
import { Allowance } from './allowance.js';
import type { Limits } from './limits.js';
import { RtmpScanner, type Role } from './rtmp-scanner.js';
import type { Standing } from './standing.js';

/** Everything that a connection says before the server takes it for a player or publisher, whatever it means. */
const MAX_BEFORE = 256 * 1024;
/** What the server's parser may hold of who does not publish: a little for each chunk stream too. */
const MAX_HELD = 192 * 1024;
/** Answers that a publisher does not read. */
const MAX_UNREAD = 256 * 1024;

/** Of a connection that plays and publishes nothing, or no more. */
export interface Undecided {
  add(socket: Socket): void;
  delete(socket: Socket): void;
}

type OnData = (data: Buffer) => void;

/**
 * Puts itself between an RTMP connection and the server, which has just begun to listen to it: what the server cannot bear ends
 * the connection and not the process. What it costs is bounded by what comes in and by what the server says of it; reading along
 * is to see trouble before the server does.
 */
export class SocketGuard {
  private readonly guarded: OnData[];
  private readonly scanner: RtmpScanner;
  private standing: Standing | undefined = undefined;
  private role: Role = undefined;
  private hasPublished = false;
  /** Bytes since it plays and publishes nothing. */
  private before = 0;
  private allowance: Allowance | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly socket: Socket,
    private readonly limits: Limits,
    private readonly standingOf: (socket: Socket) => Standing | undefined,
    private readonly undecided: Undecided,
  ) {
    this.scanner = new RtmpScanner(limits.maxMessageBytes);
    this.guarded = socket.listeners('data') as OnData[];
    for (const listener of this.guarded) socket.off('data', listener);
    socket.on('data', this.feed);
    socket.once('close', this.onClose);
    this.wait();
  }

  /** Gives the server what was read. */
  readonly feed = (data: Buffer): void => {
    const { socket } = this;
    // A socket that was destroyed may still bring what it had read, and one that the server has hung up on much more.
    if (socket.destroyed || socket.writableEnded) return;
    if (!this.mayPass(data)) return void socket.destroy();
    try {
      for (const listener of this.guarded) listener.call(socket, data);
    } catch {
      socket.destroy();
    }
    if (!socket.destroyed && !this.mayStay(data.length)) socket.destroy();
  };

  remove(): void {
    const { socket } = this;
    clearTimeout(this.timer);
    socket.off('close', this.onClose);
    if (!socket.listeners('data').includes(this.feed)) return;
    socket.off('data', this.feed);
    for (const listener of this.guarded) socket.on('data', listener);
  }

  private mayPass(data: Buffer): boolean {
    const { role, scanner } = this;
    if (role === 'player' && !(this.allowance ??= new Allowance()).take(data.length)) return false;
    if (role === undefined && (this.before += data.length) > MAX_BEFORE) return false;
    return scanner.scan(data) === undefined;
  }

  /** Going by what the server has made of it. */
  private mayStay(bytes: number): boolean {
    const { socket, limits } = this;
    const standing = (this.standing ??= this.standingOf(socket));
    this.become(standing?.role);
    if (standing === undefined) return true;
    const mayHold = this.hasPublished ? 2 * limits.maxMessageBytes + MAX_HELD : MAX_HELD;
    if (standing.heldBytes > mayHold) return false;
    if (this.role !== 'publisher') return true;
    standing.grew(bytes);
    return socket.writableLength <= MAX_UNREAD;
  }

  private become(role: Role): void {
    this.scanner.isTakenFor(role);
    if (role === this.role) return;
    this.role = role;
    if (role === 'publisher') this.hasPublished = true;
    if (role === undefined) this.wait();
    else this.undecided.delete(this.socket);
  }

  private wait(): void {
    const { startTimeoutMs } = this.limits;
    this.before = 0;
    this.undecided.add(this.socket);
    clearTimeout(this.timer);
    if (startTimeoutMs > 0) this.timer = setTimeout(() => this.mustHaveBegun(), startTimeoutMs).unref();
  }

  /** Asked once more, for the server may have thought otherwise since the client said something. */
  private mustHaveBegun(): void {
    if (this.standing?.role === undefined) this.socket.destroy();
  }

  private readonly onClose = (): void => {
    clearTimeout(this.timer);
    this.undecided.delete(this.socket);
  };
}
