import type { EventEmitter } from 'node:events';
import type { Denial, SessionTracker } from '@stream-sessions/core';
import { TransportConnection, type TransportClient } from '@stream-sessions/core/spi';
import type { Settings } from '../options.js';
import { givesWay } from '../client/silence-counters.js';
import { streamOf } from '../client/stream-of.js';
import { warnOfFault } from '../client/warn.js';
import { hitOf, playerOf, publisherOf, socketOf, type Kind } from './client.js';
import { takeQuery, type ConnectCommand } from './connect-command.js';
import { MediaGate, StartGate } from './gates.js';
import { isRtmp, responseOf, type NodeMediaServer2, type RtmpSession2, type V2Session } from './shapes.js';
import { outliveRefusal } from './take-over.js';

/** Not the tracker's: it has no name for such a stream. */
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

interface Seat {
  readonly connection: TransportConnection;
  readonly kind: Kind;
  readonly path: string;
  readonly deafen: () => void;
}

/**
 * Watches players and publishers of node-media-server 2. Its `pre` events come before it has decided itself: who is asked
 * about waits behind a gate until the server's own verdict is known, a moment later.
 */
export class V2Attachment {
  private readonly seats = new Map<V2Session, Seat>();
  /** Publishes now, in the place of another. */
  private successor: V2Session | undefined = undefined;

  constructor(
    private readonly nms: NodeMediaServer2,
    private readonly emitter: EventEmitter,
    private readonly tracker: SessionTracker,
    private readonly settings: Settings,
  ) {
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
    for (const { connection } of this.seats.values()) connection.close('shutdown');
  }

  private readonly onConnect = (id: string, said: ConnectCommand): void => {
    const session = this.nms.getSession(id);
    if (session !== undefined && isRtmp(session)) takeQuery(session, said);
  };

  private readonly onPlay = (id: string, path: string): void => {
    const session = this.nms.getSession(id);
    if (session === undefined || this.cutSecond(session)) return;
    const gate = StartGate.of(session);
    gate.hold();
    queueMicrotask(() => {
      if (gate.isAccepted) this.enter(session, 'viewer', path, () => playerOf(session, this.settings));
      this.safely(session, () => gate.release());
    });
  };

  private readonly onPublish = (id: string, path: string): void => {
    const session = this.nms.getSession(id);
    if (session === undefined || !isRtmp(session) || session === this.successor || this.cutSecond(session)) return;
    const old = this.silentAt(path);
    const verdict = old && outliveRefusal(session);
    const gate = MediaGate.of(session);
    gate.hold();
    queueMicrotask(() => {
      const publish = verdict?.();
      if (session.isStarting && (session.isPublishing || publish)) {
        const admitted = old && publish && (() => this.succeed(old, session, publish));
        this.enter(session, 'input', path, () => publisherOf(session, this.settings, admitted));
      }
      this.safely(session, () => gate.release());
    });
  };

  /** Who publishes there, and may have to give way. */
  private silentAt(path: string): V2Session | undefined {
    for (const [session, seat] of this.seats) {
      if (seat.kind === 'input' && seat.path === path && givesWay(seat.connection)) return session;
    }
    return undefined;
  }

  private succeed(old: V2Session, session: V2Session, publish: () => void): void {
    this.seats.get(old)?.connection.close('replaced', true);
    this.successor = session;
    this.safely(session, () => {
      (old as RtmpSession2).reject(); // its place is free now, and its players wait for the next one
      publish();
    });
    this.successor = undefined;
  }

  private readonly onDonePlay = (id: string): void => this.leave(id, 'viewer');
  private readonly onDonePublish = (id: string): void => this.leave(id, 'input');

  private leave(id: string, kind: Kind): void {
    const session = this.nms.getSession(id);
    const seat = session && this.seats.get(session);
    if (seat?.kind === kind) seat.connection.close();
  }

  private enter(session: V2Session, kind: Kind, path: string, clientOf: () => TransportClient): void {
    this.safely(session, () => {
      const stream = streamOf(path);
      if (stream === undefined) return clientOf().reject(BAD_NAME);
      const hit = hitOf(session, kind, path, stream);
      if (hit === undefined) return;
      const ends = endOf(session);
      const connection = new TransportConnection(clientOf(), this.tracker, this.settings, () => this.vacate(session));
      this.seats.set(session, { connection, kind, path, deafen: hearEnd(ends, () => connection.close()) });
      connection.begin(hit);
    });
  }

  private vacate(session: V2Session): void {
    this.seats.get(session)?.deafen();
    this.seats.delete(session);
  }

  /**
   * A second play or publish on one connection: the server has already written its path over the first one's, and would keep a
   * dead player, or a dead publisher, whose next packet throws. With the first path back it can take its leave properly.
   */
  private cutSecond(session: V2Session): boolean {
    const seat = this.seats.get(session);
    if (seat === undefined || !isRtmp(session)) return false;
    if (seat.kind === 'viewer') session.playStreamPath = seat.path;
    else session.publishStreamPath = seat.path;
    seat.connection.close();
    session.reject();
    return true;
  }

  /** Into the server's callbacks nothing may be thrown. Who cannot be judged does not play. */
  private safely(session: V2Session, act: () => void): void {
    try {
      act();
    } catch (error) {
      warnOfFault(error);
      this.seats.get(session)?.connection.close('transport_error');
      socketOf(session).destroy();
    }
  }
}

/** What closes when the client has gone, whichever way. */
const endOf = (session: V2Session): EventEmitter => (isRtmp(session) ? session.socket : responseOf(session));

function hearEnd(target: EventEmitter, gone: () => void): () => void {
  target.once('close', gone);
  return () => target.off('close', gone);
}
