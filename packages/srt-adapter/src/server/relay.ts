import { atOnce } from '@stream-sessions/core/spi';
import { EventEmitter } from 'node:events';
import { StreamSessionsError } from '@stream-sessions/core';
import type { SrtAddress } from '../binding/address.js';
import type { SrtListener, SrtSocket } from '../binding/binding.js';
import { readRequest } from '../protocol/request.js';
import { modeWarner, warnOfFault } from '../warn.js';
import { RelayStream } from './relay-stream.js';
import { RelayConnection, type ConnectionHost } from './connection.js';
import { RejectedSockets } from './rejected-sockets.js';
import type { ServerSettings } from './options.js';
import type { SrtServer } from './srt-server.js';

interface Events {
  connection: [connection: RelayConnection];
  closing: [];
}

/** The server of `createSrtServer()`: a listener with one `RelayStream` per stream. */
export class SrtRelay extends EventEmitter<Events> implements SrtServer, ConnectionHost {
  private readonly streams = new Map<string, RelayStream>();
  private readonly present = new Set<RelayConnection>();
  private readonly rejected = new RejectedSockets();
  private readonly warnOfMode = modeWarner();
  private readonly listener: SrtListener;
  private closing: Promise<void> | undefined = undefined;

  constructor(private readonly settings: ServerSettings) {
    super();
    this.listener = this.listen();
  }

  get port(): number {
    return this.listener.address.port;
  }

  address(): SrtAddress {
    return this.listener.address;
  }

  connections(): RelayConnection[] {
    return [...this.present];
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  join(connection: RelayConnection): void {
    const { stream, kind } = connection;
    let relayStream = this.streams.get(stream);
    if (relayStream === undefined) this.streams.set(stream, (relayStream = new RelayStream()));
    if (kind === 'input') relayStream.publish(connection);
    else relayStream.play(connection);
  }

  leave(connection: RelayConnection): void {
    this.present.delete(connection);
    const relayStream = this.streams.get(connection.stream);
    relayStream?.leave(connection);
    if (relayStream?.isEmpty) this.streams.delete(connection.stream);
  }

  reject(socket: SrtSocket): void {
    this.rejected.add(socket);
  }

  hasSpoken(player: RelayConnection): void {
    this.warnOfMode(player.stream);
    player.end('transport_error');
  }

  private listen(): SrtListener {
    const { binding, host } = this.settings;
    const on = (address: string) => binding.listen({ ...this.settings, host: address }, (socket) => this.enter(socket));
    if (host !== undefined) return on(host);
    try {
      return on('::');
    } catch (error) {
      // a machine without IPv6
      if (error instanceof StreamSessionsError && error.code === 'ERR_SRT_LISTEN') return on('0.0.0.0');
      throw error;
    }
  }

  private enter(socket: SrtSocket): void {
    const isFull = this.present.size + this.rejected.count >= this.settings.maxConnections;
    if (isFull || this.closing !== undefined) return socket.close();
    const streamId = this.streamIdOf(socket);
    const request = readRequest(streamId);
    if (streamId === undefined || typeof request === 'number') return this.reject(socket);
    const connection = new RelayConnection(socket, streamId, request, this);
    this.present.add(connection);
    try {
      this.emit('connection', connection);
    } catch (error) {
      // a client that could not be judged must not play
      connection.end('transport_error');
      throw error;
    }
    connection.release();
  }

  /** The caller's stream id, in a supported format. */
  private streamIdOf({ streamId }: SrtSocket): string | undefined {
    const { streamId: map } = this.settings;
    if (map === undefined || streamId === undefined) return streamId;
    try {
      const mapped = atOnce(map(streamId), 'streamId()');
      return typeof mapped === 'string' ? mapped : undefined;
    } catch (error) {
      warnOfFault(error);
      return undefined;
    }
  }

  private async end(): Promise<void> {
    // Set by now: `close()` runs once, and listeners of the event see that it is closing.
    await Promise.resolve();
    const errors: unknown[] = [];
    /** A listener of the app's may throw: then the rest is closed all the same. */
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        errors.push(error);
      }
    };
    attempt(() => this.emit('closing'));
    for (const connection of this.present) attempt(() => connection.end('shutdown'));
    this.rejected.hangUp();
    await this.listener.close();
    if (errors.length > 0) throw errors[0];
  }
}
