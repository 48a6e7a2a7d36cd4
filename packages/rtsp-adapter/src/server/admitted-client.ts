import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { CloseReason } from '@stream-sessions/core';
import type { ByteCounters } from '@stream-sessions/core/spi';
import type { RtspClient } from '../client/rtsp-client.js';
import type { Authorizers } from '../client/authorizers.js';
import type { Answer, Authorization, Client } from '../client/authorizer.js';
import { MediaMeter } from '../client/media-meter.js';

/**
 * A client that has asked to play or publish one stream, until it no longer wants to. Of what it said about itself, which may be
 * long, only what distinguishes it is kept.
 */
export class AdmittedClient implements Client {
  readonly action: RtspClient['action'];
  readonly stream: string;
  readonly meter: MediaMeter;
  private readonly query: string;
  private readonly offered: string | undefined;
  private authorization: Authorization | undefined = undefined;
  private farewell: { reason: CloseReason | undefined } | undefined = undefined;

  constructor(
    { action, stream, query }: RtspClient,
    /** The Authorization header that it sent. */
    authorization: string | undefined,
    socket: Socket,
    private readonly cut: (reason: CloseReason) => void,
  ) {
    this.action = action;
    this.stream = stream;
    this.query = hash(query);
    this.offered = authorization && hash(authorization);
    this.meter = new MediaMeter(socket);
  }

  /** Whether this is what it came for, with no new credentials. */
  cameFor(action: RtspClient['action'], stream: string, query: string, authorization: string | undefined): boolean {
    if (action !== this.action || stream !== this.stream || hash(query) !== this.query) return false;
    return authorization === undefined || hash(authorization) === this.offered;
  }

  authorize(authorizers: Authorizers, client: RtspClient): Answer | Promise<Answer> {
    this.authorization = authorizers.authorize(this, client);
    // It was cut by a listener of its opening.
    if (this.farewell !== undefined) this.authorization.close(this.farewell.reason);
    return this.authorization.answer;
  }

  leave(reason?: CloseReason): void {
    this.farewell ??= { reason };
    this.authorization?.close(reason);
  }

  counters(): ByteCounters {
    return this.meter.counters();
  }

  destroy(reason: CloseReason): void {
    this.cut(reason);
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('base64');
