import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '@stream-sessions/core';
import { everyMs, monotonic, systemClock } from '@stream-sessions/core/spi';
import type { Authorizers } from '../client/authorizers.js';
import { Streams } from '../relay/streams.js';
import { Connection, type ConnectionHost } from './connection.js';
import type { RelaySettings } from './options.js';
import { addressesOf } from './peer.js';

/** How often timeouts are checked. Milliseconds. */
const CHECK_EVERY_MS = 1000;
/** The most connections that have neither played nor published yet: beyond that, the oldest is closed. */
const MAX_UNSTARTED = 5000;

/** All connections of a server, and the media between them. */
export class Relay implements ConnectionHost {
  readonly streams = new Streams();
  private readonly connections = new Set<Connection>();
  private readonly unstarted = new Set<Connection>();
  private readonly clock: Clock;
  /** Ends the checks, which run only while there are connections. */
  private stopChecks: (() => void) | undefined = undefined;

  constructor(
    readonly settings: RelaySettings,
    readonly authorizers: Authorizers,
  ) {
    this.clock = settings.clock ?? systemClock;
  }

  accept(socket: Socket): void {
    const addresses = addressesOf(socket);
    if (addresses === undefined) return void socket.destroy();
    const { address, localAddress } = addresses;
    const secure = socket instanceof TLSSocket;
    const connection = new Connection(socket, this, address, localAddress, secure, monotonic(this.clock));
    this.connections.add(connection);
    this.unstarted.add(connection);
    const [oldest] = this.unstarted.size > MAX_UNSTARTED ? this.unstarted : [];
    oldest?.cut('overload');
    this.stopChecks ??= everyMs(this.clock, CHECK_EVERY_MS, () => this.check());
  }

  hasStarted(connection: Connection): void {
    this.unstarted.delete(connection);
  }

  hasEnded(connection: Connection): void {
    this.connections.delete(connection);
    this.unstarted.delete(connection);
    if (this.connections.size > 0) return;
    this.stopChecks?.();
    this.stopChecks = undefined;
  }

  /** Cuts all connections. */
  close(): void {
    this.streams.forget();
    for (const connection of this.connections) connection.cut('shutdown');
  }

  private check(): void {
    const now = monotonic(this.clock);
    for (const connection of this.connections) connection.check(now);
  }
}
