import { createServer, type Server, type Socket } from 'node:net';
import { KEPT, LOG_BUCKET } from '../link/link.js';
import { LEASES } from '../membership/leased.js';
import { inherit, leave } from './inheritance.js';
import { KeptFile } from './kept-file.js';
import { Scripts, lettersOf } from './scripts.js';
import { Store } from './store.js';
import { entriesAfter } from './stream-commands.js';
import { onLines, sendLine, type Request, type Response, type RunRequest } from './wire.js';

/** How often expired keys that nobody asks for are removed. Milliseconds. */
const SWEEP_MS = 10_000;

const KEPT_KEYS = `{${LOG_BUCKET}}:${KEPT}`;
const MEMBERS = `{${LOG_BUCKET}}:${LEASES}`;

interface Followed {
  readonly socket: Socket;
  readonly as: number;
  readonly key: string;
  after: string;
}

/** The shared state of the processes of one machine, in the memory of one of them. */
export class Hub {
  private readonly store = new Store();
  private readonly scripts = new Scripts(this.store);
  private readonly known = new Map<string, string>();
  private readonly followers = new Map<string, Set<Followed>>();
  private readonly sockets = new Set<Socket>();
  private kept: KeptFile | undefined;
  /** Leaves what it has to the next hub; undefined before `succeedIn`, and once it has closed. */
  private leave: (() => void) | undefined;
  private readonly server: Server = createServer((socket) => this.take(socket)).unref();
  private readonly sweeping = setInterval(() => this.sweep(), SWEEP_MS).unref();

  /** Binds a path. Rejects if it is in use. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      // Otherwise a worker of node:cluster would listen in its primary, and two of them on one path.
      this.server.listen({ path, exclusive: true }, () => {
        this.server.off('error', reject);
        this.server.on('error', () => undefined);
        resolve();
      });
    });
  }

  /** Called before any request: loads this file, and keeps its content there. */
  keepIn(path: string): void {
    this.store.now = Date.now();
    this.kept = new KeptFile(path, this.store, (key) => key.startsWith(KEPT_KEYS));
  }

  /**
   * Called before any request, and after `keepIn`: continues with what the previous hub has left in this folder. If this process
   * ends in good order while others are members, the next hub continues with what this one has.
   */
  succeedIn(folder: string): void {
    this.store.now = Date.now();
    inherit(folder, this.store);
    this.leave = () => {
      this.store.now = Date.now();
      if (this.hasMembers) leave(folder, this.store);
    };
    process.once('exit', this.leave);
  }

  /** Disconnects all clients; they may reconnect. */
  interrupt(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Ends in good order: the next hub continues with what this one has. */
  end(): void {
    this.leave?.();
    this.close();
  }

  /** Ends as if it had never been. */
  close(): void {
    if (this.leave !== undefined) process.off('exit', this.leave);
    this.leave = undefined;
    clearInterval(this.sweeping);
    this.kept?.close();
    this.server.close();
    this.interrupt();
  }

  /** Keys with this prefix that do not expire. */
  endless(prefix: string): string[] {
    this.store.now = Date.now();
    return this.store.keys().filter((key) => key.startsWith(prefix) && this.store.expiryOf(key) === Infinity);
  }

  /** They need not be connected: one hub may end right after another. */
  private get hasMembers(): boolean {
    const leases = this.store.read(MEMBERS, 'zset')?.values() ?? [];
    return [...leases].some((until) => until > this.store.now);
  }

  private sweep(): void {
    this.store.now = Date.now();
    this.store.sweep();
  }

  private take(socket: Socket): void {
    socket.unref();
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.unfollow(socket);
    });
    onLines<Request>(socket, (request) => {
      const response = this.answer(socket, request);
      sendLine(socket, response);
      if ('follow' in request) for (const [key] of request.follow) this.tell(key);
      if ('run' in request) for (const key of request.keys) this.tell(key);
    });
  }

  private answer(socket: Socket, request: Request): Response {
    const { id } = request;
    this.store.now = Date.now();
    try {
      if ('run' in request) return this.run(request);
      if ('last' in request) return { id, reply: request.last.map((key) => this.lastOf(key)) };
      if ('forget' in request) {
        this.forget(request.forget, request.entries);
      } else if ('follow' in request) {
        for (const [key, after] of request.follow) {
          const followed = { socket, as: request.as, key, after };
          const all = this.followers.get(key) ?? new Set();
          this.followers.set(key, all.add(followed));
        }
      } else this.unfollow(socket, request.unfollow);
      return { id, reply: null };
    } catch (error) {
      return { id, failed: (error as Error).message };
    }
  }

  private run({ id, run, lua, keys, args }: RunRequest): Response {
    if (lua !== undefined) this.known.set(run, lua);
    const script = this.known.get(run);
    if (script === undefined) return { id, unknown: true };
    try {
      return { id, reply: this.scripts.run(script, keys, args) };
    } finally {
      this.kept?.save();
    }
  }

  private lastOf(key: string): string {
    return this.store.read(key, 'stream')?.entries.at(-1)?.id ?? '0-0';
  }

  private forget(key: string, entries: readonly string[]): void {
    const stream = this.store.read(key, 'stream');
    const gone = new Set(entries);
    if (stream !== undefined) stream.entries = stream.entries.filter(({ id }) => !gone.has(id));
  }

  /** Sends what is new in a channel. */
  private tell(key: string): void {
    const followers = this.followers.get(key);
    if (followers === undefined) return;
    const stream = this.store.read(key, 'stream');
    if (stream === undefined) return;
    for (const followed of followers) {
      const news = entriesAfter(stream, followed.after);
      const last = news.at(-1);
      if (last === undefined) continue;
      followed.after = last.id;
      const entries = news.map(({ id, fields }) => [id, lettersOf(fields[1] ?? '')] as const);
      sendLine(followed.socket, { to: followed.as, key, entries });
    }
  }

  private unfollow(socket: Socket, as?: number): void {
    for (const [key, followers] of this.followers) {
      for (const each of followers) {
        if (each.socket === socket && (as === undefined || each.as === as)) followers.delete(each);
      }
      if (followers.size === 0) this.followers.delete(key);
    }
  }
}
