import type { Socket } from 'node:net';
import { Allowance } from './allowance.js';
import type { Limits } from './limits.js';
import { RtmpScanner, type Role } from './rtmp-scanner.js';
import type { Standing } from './standing.js';

/** The most that a connection may send before the server accepts it as a player or publisher, whatever it is. Bytes. */
const MAX_BEFORE = 256 * 1024;
/**
 * The most that the server's parser may hold for a connection that does not publish, including a little per chunk stream. Bytes.
 */
const MAX_HELD = 192 * 1024;
/** The most response data that a publisher may leave unread. Bytes. */
const MAX_UNREAD = 256 * 1024;

/** Connections that are not playing or publishing, or no longer are. */
export interface Undecided {
  add(socket: Socket): void;
  delete(socket: Socket): void;
}

type OnData = (data: Buffer) => void;

/**
 * Sits between an RTMP connection and the server, which has just begun to listen to it: input that the server cannot handle ends
 * the connection instead of the process. Its cost is bounded by what comes in and by the server's own view of the connection;
 * following the protocol serves to detect trouble before the server does.
 */
export class SocketGuard {
  private readonly guarded: OnData[];
  private readonly scanner: RtmpScanner;
  private standing: Standing | undefined = undefined;
  private role: Role = undefined;
  private hasPublished = false;
  /** Bytes since it last played or published. */
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

  /** Passes the data on to the server. */
  readonly feed = (data: Buffer): void => {
    const { socket } = this;
    // A destroyed socket may still deliver what it had read, and one that the server has hung up on much more.
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

  /** Judges by what the server has made of the connection. */
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

  /** Checked again, because the server may have changed its view since the client last sent something. */
  private mustHaveBegun(): void {
    if (this.standing?.role === undefined) this.socket.destroy();
  }

  private readonly onClose = (): void => {
    clearTimeout(this.timer);
    this.undecided.delete(this.socket);
  };
}
