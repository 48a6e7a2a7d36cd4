import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Limits } from './limits.js';
import { SocketGuard } from './socket-guard.js';
import type { Standing } from './standing.js';

/** Version and first half of the handshake: what a client sends before it gets a response. */
const GREETING_BYTES = 1 + 1536;
/**
 * The most connections that the server holds (a megabyte each) before they have asked to play or publish: beyond that, the oldest
 * is closed.
 */
const MAX_UNDECIDED = 1000;

type OnConnection = (socket: Socket) => void;

/**
 * Keeps connections from the server until they have begun their handshake, so that silent ones cost the server nothing. Then each
 * gets its `SocketGuard`. Returns a function that removes everything again.
 */
export function guardHandshakes(
  server: EventEmitter,
  event: string,
  limits: Limits,
  standingOf: (socket: Socket) => Standing | undefined,
): () => void {
  const listeners = server.listeners(event) as OnConnection[];
  /** For each connection, the function that removes its guard. */
  const guarded = new Map<Socket, () => void>();
  const undecided = new Set<Socket>();
  let isGuarding = true;

  const admit = (socket: Socket, greeting: Buffer): void => {
    for (const listener of listeners) listener.call(server, socket);
    if (!isGuarding) {
      // What of its greeting had come before the guard was removed. Nobody would remove another one, whose timeout would end it.
      if (greeting.length > 0) socket.emit('data', greeting);
      return;
    }
    const guard = new SocketGuard(socket, limits, standingOf, undecided);
    const [oldest] = undecided.size > MAX_UNDECIDED ? undecided : [];
    oldest?.destroy();
    guarded.set(socket, () => guard.remove());
    guard.feed(greeting);
  };
  const onConnection: OnConnection = (socket) => {
    guarded.set(
      socket,
      waitForGreeting(socket, limits, (greeting) => admit(socket, greeting)),
    );
    socket.once('close', () => {
      guarded.delete(socket);
      undecided.delete(socket);
    });
  };
  for (const listener of listeners) server.off(event, listener);
  server.on(event, onConnection);
  return () => {
    isGuarding = false;
    if (server.listeners(event).includes(onConnection)) {
      server.off(event, onConnection);
      for (const listener of listeners) server.on(event, listener);
    }
    for (const remove of guarded.values()) remove();
  };
}

/** Collects the greeting and passes it on, or hangs up. Returns a function that passes the connection on as it is. */
function waitForGreeting(socket: Socket, { startTimeoutMs }: Limits, done: (greeting: Buffer) => void): () => void {
  const parts: Buffer[] = [];
  let bytes = 0;
  const timer = startTimeoutMs > 0 ? setTimeout(() => socket.destroy(), startTimeoutMs).unref() : undefined;
  const onClose = (): void => clearTimeout(timer);
  const handOver = (): void => {
    clearTimeout(timer);
    socket.off('data', onData);
    socket.off('close', onClose);
    done(Buffer.concat(parts));
  };
  const onData = (data: Buffer): void => {
    if (bytes === 0 && data[0] !== 3) return void socket.destroy();
    parts.push(data);
    bytes += data.length;
    if (bytes >= GREETING_BYTES) handOver();
  };
  socket.on('error', () => undefined);
  socket.on('data', onData);
  socket.once('close', onClose);
  return handOver;
}
