import type { EventEmitter } from 'node:events';
import type { Denial, SessionTracker } from '@stream-sessions/core';
import { ConnectionSet, onceClosed } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { givesWay } from '../client/silence-counters.js';
import { streamOf } from '../client/stream-of.js';
import { warnOfFault } from '../client/warn.js';
import { hitOf, playerOf, publisherOf, socketOf, type Kind, type V2Client } from './client.js';
import { takeQuery, type ConnectCommand } from './connect-command.js';
import { PlayGate } from './play-gate.js';
import { PublishGate } from './publish-gate.js';
import { isRtmp, responseOf, type NodeMediaServer2, type RtmpSession2, type V2Session } from './shapes.js';
import { outliveRefusal } from './succession.js';

/** Not a denial by the tracker, which has no name for such a stream. */
const BAD_NAME: Denial = {
  id: '',
  target: {},
  by: 'policy',
  kind: 'forbidden',
  reason: 'bad_stream_name',
  since: 0,
  until: 0,
  hits: 0,
};

/**
 * Watches players and publishers of node-media-server 2. Its `pre` events come before its own decision: a client about whom
 * policies are asked waits behind a gate until the server's verdict is known, a moment later.
 */
export class V2Attachment {
  private readonly connections: ConnectionSet<V2Session, V2Client>;
  /** The session that is currently publishing in place of another. */
  private successor: V2Session | undefined = undefined;
  /** What a session has begun in this turn of the event loop, before it is a connection. */
  private readonly starting = new WeakMap<V2Session, Pick<V2Client, 'kind' | 'path'>>();

  constructor(
    private readonly nms: NodeMediaServer2,
    private readonly emitter: EventEmitter,
    tracker: SessionTracker,
    private readonly settings: Settings,
  ) {
    this.connections = new ConnectionSet(tracker, settings, (error, session) => {
      warnOfFault(error);
      socketOf(session).destroy();
    });
    emitter.on('preConnect', this.onConnect);
    emitter.on('prePlay', this.onPlay);
    emitter.on('prePublish', this.onPublish);
    emitter.on('donePlay', this.onDonePlay);
    emitter.on('donePublish', this.onDonePublish);
  }

  detach(): void {
    this.emitter.off('preConnect', this.onConnect);
    this.emitter.off('prePlay', this.onPlay);
    this.emitter.off('prePublish', this.onPublish);
    this.emitter.off('donePlay', this.onDonePlay);
    this.emitter.off('donePublish', this.onDonePublish);
    this.connections.close();
  }

  private readonly onConnect = (id: string, said: ConnectCommand): void => {
    const session = this.nms.getSession(id);
    if (session !== undefined && isRtmp(session)) takeQuery(session, said);
  };

  private readonly onPlay = (id: string, path: string): void => {
    const session = this.nms.getSession(id);
    if (session === undefined || this.cutSecond(session)) return;
    const gate = PlayGate.of(session);
    gate.hold();
    this.starting.set(session, { kind: 'viewer', path });
    queueMicrotask(() => {
      this.starting.delete(session);
      if (gate.isAccepted) this.enter(session, 'viewer', path, () => playerOf(session, path, this.settings));
      this.connections.safely(session, () => gate.release());
    });
  };

  private readonly onPublish = (id: string, path: string): void => {
    const session = this.nms.getSession(id);
    if (session === undefined || !isRtmp(session) || session === this.successor || this.cutSecond(session)) return;
    const old = this.silentAt(path);
    const verdict = old && outliveRefusal(session);
    const gate = PublishGate.of(session);
    gate.hold();
    this.starting.set(session, { kind: 'input', path });
    queueMicrotask(() => {
      this.starting.delete(session);
      const publish = verdict?.();
      if (session.isStarting && (session.isPublishing || publish)) {
        const admitted = old && publish && (() => this.succeed(old, session, publish));
        this.enter(session, 'input', path, () => publisherOf(session, path, this.settings, admitted));
      }
      this.connections.safely(session, () => gate.release());
    });
  };

  /** The publisher of this path, if it is silent and may have to give way. */
  private silentAt(path: string): V2Session | undefined {
    for (const [session, connection] of this.connections) {
      const { client } = connection;
      if (client.kind === 'input' && client.path === path && givesWay(connection)) return session;
    }
    return undefined;
  }

  private succeed(old: V2Session, session: V2Session, publish: () => void): void {
    this.connections.get(old)?.close('replaced', true);
    this.successor = session;
    this.connections.safely(session, () => {
      (old as RtmpSession2).reject(); // its place is free now, and its players wait for the next publisher
      publish();
    });
    this.successor = undefined;
  }

  private readonly onDonePlay = (id: string): void => this.leave(id, 'viewer');
  private readonly onDonePublish = (id: string): void => this.leave(id, 'input');

  private leave(id: string, kind: Kind): void {
    const session = this.nms.getSession(id);
    const connection = session && this.connections.get(session);
    if (connection?.client.kind === kind) connection.close();
  }

  private enter(session: V2Session, kind: Kind, path: string, clientOf: () => V2Client): void {
    this.connections.safely(session, () => {
      const stream = streamOf(path);
      if (stream === undefined) return clientOf().reject(BAD_NAME);
      const hit = hitOf(session, kind, path, stream);
      if (hit === undefined) return;
      this.connections.add(session, clientOf(), hit, onceClosed(endOf(session)));
    });
  }

  /**
   * A second play or publish on one connection: the server has already overwritten the first one's path, and would keep a dead
   * player, or a dead publisher whose next packet throws. With the first path restored, it can leave properly.
   */
  private cutSecond(session: V2Session): boolean {
    const connection = this.connections.get(session);
    const first = connection?.client ?? this.starting.get(session);
    if (first === undefined || !isRtmp(session)) return false;
    const { kind, path } = first;
    if (kind === 'viewer') session.playStreamPath = path;
    else session.publishStreamPath = path;
    connection?.close();
    session.reject();
    return true;
  }
}

/** The emitter that closes when the client has gone, by whatever transport. */
const endOf = (session: V2Session): EventEmitter => (isRtmp(session) ? session.socket : responseOf(session));
