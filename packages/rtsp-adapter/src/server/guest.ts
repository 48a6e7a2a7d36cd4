import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { CloseReason } from '@stream-sessions/core';
import type { ByteCounters } from '@stream-sessions/core/spi';
import type { RtspClient } from '../door/client.js';
import type { Doors } from '../door/doors.js';
import type { Answer, Pass, Visitor } from '../door/gate.js';
import { MediaMeter } from '../door/media-meter.js';

/**
 * Who has asked to play or publish one stream, from then on until it does not want to any more. Of what it said of itself, which
 * may be long, it keeps what tells it from others.
 */
export class Guest implements Visitor {
  readonly action: RtspClient['action'];
  readonly stream: string;
  readonly meter: MediaMeter;
  private readonly query: string;
  private readonly authorization: string | undefined;
  private pass: Pass | undefined = undefined;
  private farewell: { reason: CloseReason | undefined } | undefined = undefined;

  constructor(
    { action, stream, query }: RtspClient,
    /** The Authorization header it came with. */
    authorization: string | undefined,
    socket: Socket,
    private readonly cut: (reason: CloseReason) => void,
  ) {
    this.action = action;
    this.stream = stream;
    this.query = hash(query);
    this.authorization = authorization && hash(authorization);
    this.meter = new MediaMeter(socket);
  }

  /** Whether this is what it came for, and it brings nothing else to be let in by now. */
  cameFor(action: RtspClient['action'], stream: string, query: string, authorization: string | undefined): boolean {
    if (action !== this.action || stream !== this.stream || hash(query) !== this.query) return false;
    return authorization === undefined || hash(authorization) === this.authorization;
  }

  ask(doors: Doors, client: RtspClient): Answer | Promise<Answer> {
    this.pass = doors.admit(this, client);
    // Cut by somebody who heard of it as it opened.
    if (this.farewell !== undefined) this.pass.leave(this.farewell.reason);
    return this.pass.answer;
  }

  leave(reason?: CloseReason): void {
    this.farewell ??= { reason };
    this.pass?.leave(reason);
  }

  counters(): ByteCounters {
    return this.meter.counters();
  }

  destroy(reason: CloseReason): void {
    this.cut(reason);
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64');
