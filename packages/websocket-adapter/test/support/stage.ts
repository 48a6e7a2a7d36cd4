import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createTracker, type SessionTracker, type TrackerOptions } from '@stream-sessions/core';
import { WebSocket, WebSocketServer, type ClientOptions, type ServerOptions } from 'ws';
import { attachWebSocketServer, type WebSocketOptions } from '../../src/index.js';
import { selfSigned } from '../../../../test/support/certificate.js';
import { Client } from './client.js';

/** A server of `ws` with the adapter, on a port of its own. */
export class Stage {
  readonly http: Server;
  readonly tracker: SessionTracker;
  private readonly scheme: string;
  readonly wss: WebSocketServer;
  readonly attachment: ReturnType<typeof attachWebSocketServer>;
  readonly clients: Client[] = [];

  constructor(given: {
    options?: WebSocketOptions;
    server?: ServerOptions;
    tracker?: TrackerOptions | SessionTracker;
    secure?: boolean;
  }) {
    const { options = {}, server = {}, tracker = {}, secure = false } = given;
    this.http = secure ? createSecureServer(selfSigned()) : createServer((_req, res) => void res.end('a page'));
    this.scheme = secure ? 'wss' : 'ws';
    this.tracker = 'admit' in tracker ? tracker : createTracker(tracker);
    this.wss = new WebSocketServer(server.noServer ? server : { server: this.http, ...server });
    this.attachment = attachWebSocketServer(this.wss, this.tracker, options);
  }

  static async start(given: ConstructorParameters<typeof Stage>[0] = {}): Promise<Stage> {
    const stage = new Stage(given);
    await once(stage.http.listen(0, '127.0.0.1'), 'listening');
    return stage;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** What the app does: media for everybody who is connected, which no compression makes shorter. */
  sendsMedia(bytes = 1_000): this {
    this.wss.on('connection', (ws) => {
      const timer = setInterval(() => ws.send(randomBytes(bytes)), 10);
      ws.on('close', () => clearInterval(timer));
    });
    return this;
  }

  connect(path = '/live/cam1', options: ClientOptions = {}, protocols: string[] = []): Client {
    const client = new Client(
      new WebSocket(`${this.scheme}://127.0.0.1:${this.port}${path}`, protocols, {
        rejectUnauthorized: false,
        ...options,
      }),
    );
    this.clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.ws.terminate();
    for (const ws of this.wss.clients ?? []) ws.terminate();
    this.wss.close();
    this.http.close();
    this.http.closeAllConnections();
    await this.tracker.stop();
  }
}
