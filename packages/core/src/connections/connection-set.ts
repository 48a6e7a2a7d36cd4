import type { EventEmitter } from 'node:events';
import type { ConnHit } from '../types/hit.js';
import type { SessionTracker } from '../types/tracker.js';
import type { TransportClient } from './transport-client.js';
import {
  TransportConnection,
  type ConnectionOwner,
  type ConnectionSettings,
  type SubscribeToEnd,
} from './transport-connection.js';

/** The usual end of a client: its socket, or the object that stands for it, emits `close`. */
export const onceClosed =
  (emitter: Pick<EventEmitter, 'once' | 'off'>): SubscribeToEnd =>
  (gone) => {
    emitter.once('close', gone);
    return () => void emitter.off('close', gone);
  };

/**
 * The connections that an adapter watches, keyed by the server's own objects. Whichever side ends a connection, it is removed
 * from here; `close()` ends all of them, for `detach()`.
 */
export class ConnectionSet<
  Key extends object,
  Client extends TransportClient = TransportClient,
> implements ConnectionOwner<TransportConnection<Client, Key>> {
  private readonly connections = new Map<Key, TransportConnection<Client, Key>>();

  constructor(
    readonly tracker: SessionTracker,
    readonly settings: ConnectionSettings,
    /** What `safely` does about an error after closing the connection, such as warn and cut the client. Default: rethrows it. */
    private readonly onFault: (error: unknown, key: Key) => void = (error) => {
      throw error;
    },
  ) {}

  get(key: Key): TransportConnection<Client, Key> | undefined {
    return this.connections.get(key);
  }

  [Symbol.iterator](): IterableIterator<[Key, TransportConnection<Client, Key>]> {
    return this.connections.entries();
  }

  /**
   * Watches another connection and asks the tracker about it. An existing connection with the same key is first closed as
   * `client_gone`.
   *
   * @param subscribe Subscribes to the end of the client. If omitted, the adapter closes the connection itself.
   */
  add(key: Key, client: Client, hit: ConnHit, subscribe?: SubscribeToEnd): void {
    this.connections.get(key)?.close();
    const connection = new TransportConnection(client, key, this);
    if (subscribe !== undefined) connection.endsWith(subscribe);
    this.connections.set(key, connection);
    try {
      connection.begin(hit);
    } catch (error) {
      connection.close('transport_error');
      throw error;
    }
  }

  /**
   * Runs the handler of a server event. An error there would end the process; instead it ends the connection, since nobody may
   * play without having been judged.
   */
  safely(key: Key, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.connections.get(key)?.close('transport_error');
      this.onFault(error, key);
    }
  }

  /** Removes a connection that is over. */
  forget(connection: TransportConnection<Client, Key>): void {
    this.connections.delete(connection.key);
  }

  /** Closes the books of all connections as `shutdown`, and leaves their transports alone. */
  close(): void {
    for (const connection of this.connections.values()) connection.close('shutdown');
  }
}
