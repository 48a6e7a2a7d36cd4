import { EventEmitter } from 'node:events';
import { StreamSessionsError } from '@stream-sessions/core';
import type { SrtAddress } from '../binding/address.js';
import type { SrtListener, SrtSocket } from '../binding/binding.js';
import { readRequest } from '../request.js';
import { modeWarner, warnOfFault } from '../warn.js';
import { Channel } from './channel.js';
import { RelayConnection, type House } from './connection.js';
import { Dismissed } from './dismissed.js';
import type { ServerSettings } from './options.js';
import type { SrtServer } from './srt-server.js';

interface Events {
  connection: [connection: RelayConnection];
  closing: [];
}

/** The server of `createSrtServer()`: a door, and behind it one channel per stream. */
export class SrtRelay extends EventEmitter<Events> implements SrtServer, House {
  private readonly channels = new Map<string, Channel>();
  private readonly present = new Set<RelayConnection>();
  private readonly dismissed = new Dismissed();
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

  seat(connection: RelayConnection): void {
    const { stream, kind } = connection;
    let channel = this.channels.get(stream);
    if (channel === undefined) this.channels.set(stream, (channel = new Channel()));
    if (kind === 'input') channel.publish(connection);
    else channel.play(connection);
  }

  leave(connection: RelayConnection): void {
    this.present.delete(connection);
    const channel = this.channels.get(connection.stream);
    channel?.leave(connection);
    if (channel?.isEmpty) this.channels.delete(connection.stream);
  }

  dismiss(socket: SrtSocket): void {
    this.dismissed.add(socket);
  }

  spoken(player: RelayConnection): void {
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
    const isFull = this.present.size + this.dismissed.count >= this.settings.maxConnections;
    if (isFull || this.closing !== undefined) return socket.close();
    const streamId = this.streamIdOf(socket);
    const request = readRequest(streamId);
    if (streamId === undefined || typeof request === 'number') return this.dismiss(socket);
    const connection = new RelayConnection(socket, streamId, request, this);
    this.present.add(connection);
    try {
      this.emit('connection', connection);
    } catch (error) {
      // who could not be judged does not play
      connection.end('transport_error');
      throw error;
    }
    connection.release();
  }

  /** What the caller said, in words that are understood here. */
  private streamIdOf({ streamId }: SrtSocket): string | undefined {
    const { streamId: map } = this.settings;
    if (map === undefined || streamId === undefined) return streamId;
    try {
      const mapped = map(streamId);
      return typeof mapped === 'string' ? mapped : undefined;
    } catch (error) {
      warnOfFault(error);
      return undefined;
    }
  }

  private async end(): Promise<void> {
    // Set by now: `close()` is called once, and what its listeners do finds it closing.
    await Promise.resolve();
    this.emit('closing');
    for (const connection of this.present) connection.end('shutdown');
    this.dismissed.hangUp();
    await this.listener.close();
  }
}
