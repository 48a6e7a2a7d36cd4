import type { EventEmitter } from 'node:events';
import type { SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, onceClosed } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { warnOfFault } from '../client/warn.js';
import { isPublisher } from './client.js';
import {
  isRelay,
  relayClient,
  relayHit,
  relaySocket,
  type Direction,
  type Relay,
  type Relays,
} from './relay-client.js';
import type { V4Session } from './shapes.js';

/**
 * Watches the relay tasks of node-media-server 4, each connection from beginning to end: what it pushes to other servers is an
 * `output`, what it pulls from there an `input`.
 */
export class RelaysAttachment {
  private readonly connections: ConnectionSet<Relay>;
  private readonly addTask: Relays['addTask'];
  private readonly own: Relays['addTask'];
  private isAttached = true;

  constructor(
    private readonly relays: Relays,
    private readonly emitter: EventEmitter,
    tracker: SessionTracker,
    private readonly settings: Settings,
  ) {
    this.connections = new ConnectionSet(tracker, settings, (error, relay) => {
      warnOfFault(error);
      relaySocket(relay)?.destroy();
    });
    this.addTask = relays.addTask;
    this.own = (config) => this.watch(this.addTask.call(relays, config));
    relays.addTask = this.own;
    emitter.on('postPublish', this.onPublish);
  }

  detach(): void {
    this.isAttached = false;
    // Another tracker may have attached after us: then our function stays in its chain and does nothing.
    if (this.relays.addTask === this.own) this.relays.addTask = this.addTask;
    this.emitter.off('postPublish', this.onPublish);
    this.connections.close();
  }

  /** A push emits no event when it joins its stream, which it does after every connect. */
  private watch(relay: Relay | undefined): Relay | undefined {
    const register = relay?.registerPush;
    if (relay?.mode === 'push' && register !== undefined) {
      relay.registerPush = () => {
        if (this.isAttached) this.open(relay, 'output');
        register();
      };
    }
    return relay;
  }

  private readonly onPublish = (session: V4Session): void => {
    if (isRelay(session) && isPublisher(session)) this.open(session, 'input');
  };

  private open(relay: Relay, direction: Direction): void {
    this.connections.safely(relay, () => {
      this.connections.get(relay)?.close();
      const socket = relaySocket(relay);
      const hit = relayHit(relay, direction);
      if (hit === undefined || !socket) return;
      const client = relayClient(relay, direction, socket, this.relays, this.settings.maxBufferBytes);
      this.connections.add(relay, client, hit, onceClosed(socket));
    });
  }
}
