import type { ClientHttp2Session } from 'node:http2';
import context from 'node-media-server/src/core/context.js';
import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { attachRtmp, type Attachment, type RtmpOptions } from '../../src/index.js';
import { connectHttp2 } from './http2-flv-client.js';
import { RtmpClient } from './rtmp-client.js';
import { startServer4, type Server4 } from './server-4.js';
import { until } from '../../../../test/support/until.js';

/**
 * One server for all tests of a file. Each attaches a tracker of its own, has streams of its own (for the server keeps a
 * publisher's place for a while), and leaves nothing behind: that is checked.
 */
export class Stage4 {
  server!: Server4;
  tracker!: SessionTracker;
  /** An HTTP/2 connection, which clients may share. */
  connection!: ClientHttp2Session;
  private attachment: Attachment | undefined;
  private clients: { drop(): void }[] = [];
  private streams = 0;

  constructor() {
    beforeAll(async () => (this.server = await startServer4()));
    afterAll(() => this.server.stop());
    beforeEach(() => (this.connection = connectHttp2(this.server.https)));
    afterEach(async () => {
      this.clients.splice(0).forEach((client) => client.drop());
      this.connection.destroy();
      await this.attachment?.detach();
      await this.tracker.stop();
      await until('all connections are gone', () => context.sessions.size === 0);
    });
  }

  attach(options: TrackerOptions = {}, rtmpOptions: RtmpOptions = {}): SessionTracker {
    this.tracker = createTracker(options);
    this.attachment = attachRtmp(this.server.nms, this.tracker, rtmpOptions);
    return this.tracker;
  }

  /** Drops the client when the test is over. */
  noted<T extends { drop(): void }>(client: T): T {
    this.clients.push(client);
    return client;
  }

  newStream(): string {
    return `s${++this.streams}`;
  }

  /** Publishes over RTMP to a stream of that name. */
  async onAir(stream: string, packetBytes = 1000): Promise<RtmpClient> {
    return this.noted(new RtmpClient(this.server.rtmp)).publish(stream, 'FMLE/3.0', packetBytes);
  }

  broadcast(stream: string) {
    return context.broadcasts.get(`/live/${stream}`);
  }
}
