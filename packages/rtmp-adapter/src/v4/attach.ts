import type { EventEmitter } from 'node:events';
import type { SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, destroyLater } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { answerAndHangUp } from '../client/flv-responders.js';
import { warnOfFault } from '../client/warn.js';
import { expel, hitOf, isPublisher, onceGone, socketOf, type Role } from './client.js';
import { Player } from './player.js';
import { Publisher } from './publisher.js';
import { isRelay } from './relay-client.js';
import { Succession } from './succession.js';
import { isWebSocket, type V4Session } from './shapes.js';

/**
 * Watches players and publishers of node-media-server 4. Only beginnings are taken from its events; ends are taken from the
 * socket, because `donePlay` is emitted for connections that never played, late, or not at all, and `donePublish` 30 s late.
 */
export class V4Attachment {
  private readonly connections: ConnectionSet<V4Session, Player | Publisher>;
  /** The succession of the session that is currently asking to publish. */
  private succession: Succession | undefined = undefined;

  constructor(
    private readonly emitter: EventEmitter,
    tracker: SessionTracker,
    private readonly settings: Settings,
  ) {
    this.connections = new ConnectionSet(tracker, settings, (error, session) => {
      warnOfFault(error);
      socketOf(session).destroy();
    });
    // The later event of each pair: sessions that the server's own `auth` refuses do not get that far.
    emitter.on('postPlay', this.onPlay);
    emitter.on('postPublish', this.onPublish);
    emitter.on('prePublish', this.onPrePublish);
  }

  detach(): void {
    this.emitter.off('postPlay', this.onPlay);
    this.emitter.off('postPublish', this.onPublish);
    this.emitter.off('prePublish', this.onPrePublish);
    this.connections.close();
  }

  private readonly onPlay = (session: V4Session): void => {
    if (isAnswerless(session)) return refuseMethod(session);
    this.enter(session, 'viewer');
  };

  private readonly onPrePublish = (session: V4Session): void => {
    if (isRelay(session)) return;
    const succession = (this.succession = Succession.of(session, this.connections));
    // The server may still refuse it, without emitting anything.
    if (succession) queueMicrotask(() => this.succession === succession && succession.undo());
  };

  private readonly onPublish = (session: V4Session): void => {
    if (isRelay(session)) return;
    if (isPublisher(session)) this.enter(session, 'input');
    // the server refuses it, but has already forgotten what it did before
    else this.connections.safely(session, () => this.leaveOldStream(session));
  };

  private enter(session: V4Session, role: Role): void {
    this.connections.safely(session, () => {
      // The server has refused its name and hung up, and would wait for the client to do so, too.
      if (session.streamPath === undefined) return destroyLater(socketOf(session));
      this.leaveOldStream(session);
      const hit = hitOf(session, role);
      // It has gone, or the server has hung up on it.
      if (hit === undefined || !socketOf(session).writable) return expel(session);
      const { settings, succession } = this;
      this.succession = undefined;
      const client =
        role === 'input'
          ? new Publisher(session, settings.silenceTimeoutMs, succession)
          : new Player(session, settings);
      this.connections.add(session, client, hit, (gone) => onceGone(session, gone));
    });
  }

  /** A second play or publish on one connection: the server would keep the first one's place for a client that has left it. */
  private leaveOldStream(session: V4Session): void {
    const connection = this.connections.get(session);
    if (connection === undefined) return;
    connection.close();
    connection.client.removeFromServer();
  }
}

/** HEAD and the like: the server counts a player that will never receive a byte. */
const isAnswerless = (session: V4Session): boolean =>
  session.protocol === 'flv' && !isWebSocket(session.res) && session.req.method !== 'GET';

function refuseMethod(session: V4Session): void {
  if (session.protocol !== 'flv' || isWebSocket(session.res)) return;
  session.sendBuffer = () => undefined;
  session.res.setHeader('Allow', 'GET, POST, OPTIONS');
  answerAndHangUp(session.res, session.req.stream ?? session.req.socket, session.req.stream !== undefined, 405, '');
}
