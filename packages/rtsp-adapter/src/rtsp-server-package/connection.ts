import type { Socket } from 'node:net';
import { normaliseAddress } from '@stream-sessions/core/spi';
import type { RtspClient } from '../client/rtsp-client.js';
import type { Authorizers } from '../client/authorizers.js';
import type { Reply } from '../protocol/response.js';
import { parseUri, type RtspUri } from '../protocol/uri.js';
import { ConnectionAuth } from '../server/connection-auth.js';
import type { PackageRequest, PackageResponse } from './shapes.js';
import { watchPublisher } from './watch.js';

/** What happens to a request: the app gets it, or the client gets this reply. */
export type Decision = 'pass on' | Reply;

/** An admitted client that neither plays nor publishes is dropped after this long. Milliseconds. */
const START_TIMEOUT_MS = 10_000;
const CHALLENGE = { realm: 'stream-sessions', authentication: ['digest', 'basic'] } as const;
const ASKING = ['DESCRIBE', 'ANNOUNCE', 'SETUP', 'PLAY', 'RECORD'];

/** One connection of the package's server, and its client. */
export class PackageConnection {
  private readonly auth: ConnectionAuth;
  private isActive = false;
  private timer: NodeJS.Timeout | undefined = undefined;
  private unwatch: (() => void) | undefined = undefined;
  /** Until the app has responded to what may change who this is. */
  private settled: Promise<void> | undefined = undefined;

  constructor(
    private readonly socket: Socket,
    private readonly authorizers: Authorizers,
  ) {
    const control = {
      socket,
      address: normaliseAddress(socket.remoteAddress ?? ''),
      secure: 'encrypted' in socket,
      cut: () => void socket.destroy(),
    };
    this.auth = new ConnectionAuth(control, authorizers, CHALLENGE);
    socket.once('close', () => {
      clearTimeout(this.timer);
      this.unwatch?.();
      this.auth.close('client_gone');
    });
  }

  /** Counts media over UDP, which only the app sees. */
  count(sent: number, received: number): void {
    const { client } = this.auth;
    if (client === undefined) return;
    client.meter.bytesSent += sent;
    client.meter.bytesReceived += received;
  }

  async decide(request: PackageRequest): Promise<Decision> {
    // What it asks for now depends on whether it has left by then: else it would play, and nobody would know.
    await this.settled;
    const { method } = request;
    if (method === 'OPTIONS') return 'pass on';
    if (!ASKING.includes(method)) return this.auth.client === undefined ? { status: 454 } : 'pass on';
    const uri = parseUri(request.uri);
    if (uri === undefined) return { status: 400, text: 'the URL names no stream' };
    const refused = await this.enter(request, uri);
    if (refused !== undefined) return refused;
    // Before the app responds: anything it sends from now on is media.
    if (method === 'PLAY' || method === 'RECORD') this.auth.client?.meter.begin(true);
    return 'pass on';
  }

  /** The app gets this request now, to respond whenever it likes. */
  passedOn({ method }: PackageRequest, response: PackageResponse): void {
    const responded = new Promise<void>((resolve) => {
      response.once('finish', () => {
        this.answered(method, response.statusCode);
        resolve();
      });
    });
    if (method === 'TEARDOWN' || ASKING.includes(method)) this.settled = responded;
  }

  private answered(method: string, status: number): void {
    if (method === 'TEARDOWN' && status < 300) this.leave();
    if (method === 'PLAY' || method === 'RECORD') this.isActive ||= status < 300;
    else if (ASKING.includes(method) && status >= 400 && !this.isActive) this.leave();
    if (this.isActive) clearTimeout(this.timer);
    if (method === 'RECORD' && this.isActive && !this.socket.destroyed) this.unwatch ??= watchPublisher(this.socket);
  }

  private async enter({ method, headers }: PackageRequest, uri: RtspUri): Promise<Reply | undefined> {
    const { auth } = this;
    const asked = { method, headers: new Map(Object.entries(headers).map(([name, value]) => [name, String(value)])) };
    const action = actionOf(method, headers['transport']);
    const begins = method === 'DESCRIBE' || method === 'ANNOUNCE';
    const isKnown = begins ? auth.knows(action, uri, asked) : this.isIn(action, method, uri);
    if (isKnown) return undefined;
    if (this.isActive) return { status: 455, text: 'one stream per connection' };
    clearTimeout(this.timer);
    const refused = await auth.enter(action, uri, asked);
    if (refused === undefined && !this.socket.destroyed) this.timer = setTimeout(this.giveUp, START_TIMEOUT_MS).unref();
    return refused;
  }

  /** A client admitted to play is not admitted to publish, and vice versa. */
  private isIn(action: RtspClient['action'], method: string, { stream }: RtspUri): boolean {
    const { client } = this.auth;
    if (client?.stream !== stream) return false;
    // publishers that omit `mode=record` in SETUP still mean it
    return client.action === action || (method === 'SETUP' && client.action === 'publish');
  }

  private readonly giveUp = (): void => {
    // nobody is attached any more, and whether it plays by now is not known
    if (this.authorizers.isEmpty) return;
    this.auth.leave('idle');
    this.socket.destroy();
  };

  private leave(): void {
    clearTimeout(this.timer);
    this.unwatch?.();
    this.unwatch = undefined;
    this.isActive = false;
    this.auth.leave('client_gone');
  }
}

const actionOf = (method: string, transport: string | undefined): RtspClient['action'] =>
  method === 'ANNOUNCE' || method === 'RECORD' || (method === 'SETUP' && /;\s*mode="?record/i.test(transport ?? ''))
    ? 'publish'
    : 'play';
