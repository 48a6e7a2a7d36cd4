import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Authorizers } from '../client/authorizers.js';
import type { Authorizer } from '../client/authorizer.js';
import { CallbackAuthorizer } from '../client/callback-authorizer.js';
import { warnOfFault } from '../warn.js';
import { checkHost, checkTls, type RelaySettings } from './options.js';
import { Relay } from './relay.js';

/** Where to listen. */
export interface RtspListenOptions {
  /** Default: the server's `port`, or else 554, with TLS 322; 0 = any free port. */
  port?: number | undefined;
  /** Default: the server's `host`, or else all addresses. */
  host?: string | undefined;
  /** Serve RTSPS here with this key and certificate; false: plain RTSP, whatever the server's own `tls` says. */
  tls?: TlsOptions | false | undefined;
}

/** An RTSP server that relays what is published to it (RFC 2326). Emits `listening` and `close`. */
export interface RtspServer extends EventEmitter {
  /**
   * Listens. May be called again for another port or for RTSPS; all of them share their streams.
   *
   * @returns the address it listens on
   * @throws the error of a port that cannot be opened, such as `EADDRINUSE`; an error if `close()` is called meanwhile
   */
  listen(port?: number | RtspListenOptions, host?: string): Promise<AddressInfo>;
  /** The address it listens on, or the first of several; null if it does not listen. */
  address(): AddressInfo | null;
  /** The stream codes that are on air. */
  readonly streams: string[];
  /** Stops listening and cuts all clients; the sessions in its tracker are closed by then. Idempotent. */
  close(): Promise<void>;
}

/** The server, with members that only this package uses. */
export class RelayServer extends EventEmitter implements RtspServer {
  private readonly authorizers: Authorizers;
  private readonly relay: Relay;
  private readonly listening: Server[] = [];
  /** Calls of `listen()` that are not done. */
  private readonly starting = new Set<Promise<unknown>>();
  private closes = 0;
  private readonly sockets = new Set<Socket>();

  constructor(readonly settings: RelaySettings) {
    super();
    const { authorize, stallTimeoutMs, clock } = settings;
    this.authorizers = new Authorizers(new CallbackAuthorizer(authorize, stallTimeoutMs, clock));
    this.relay = new Relay(settings, this.authorizers);
  }

  get streams(): string[] {
    return this.relay.streams.codes;
  }

  async listen(where: number | RtspListenOptions = {}, host = this.settings.host): Promise<AddressInfo> {
    const options = typeof where === 'number' ? { port: where } : where;
    const { tls = this.settings.tls ?? false } = options;
    checkTls(tls);
    const { host: address = host } = options;
    checkHost(address);
    const port = options.port ?? this.settings.port ?? (tls === false ? 554 : 322);
    const server = tls === false ? this.plain() : this.secure(tls);
    const { closes } = this;
    server.listen({ port, host: address });
    const started = once(server, 'listening');
    this.starting.add(started);
    await started.finally(() => this.starting.delete(started));
    if (this.closes > closes) {
      await once(server.close(), 'close');
      throw new Error('The server was closed before it listened.');
    }
    // Such as EMFILE: one connection could not be accepted, but others will be.
    server.on('error', warnOfFault);
    this.listening.push(server);
    this.emit('listening');
    return server.address() as AddressInfo;
  }

  address(): AddressInfo | null {
    return (this.listening[0]?.address() as AddressInfo | null | undefined) ?? null;
  }

  async close(): Promise<void> {
    this.closes++;
    const starting = [...this.starting];
    const closing = this.listening.splice(0).map((server) => once(server.close(), 'close'));
    this.relay.close();
    // TLS sockets that have not completed their handshake do not count as connections yet.
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(closing);
    // each of them closes what it has opened
    await Promise.allSettled(starting);
    if (closing.length > 0) this.emit('close');
  }

  addAuthorizer(authorizer: Authorizer): void {
    this.authorizers.add(authorizer);
  }

  deleteAuthorizer(authorizer: Authorizer): void {
    this.authorizers.delete(authorizer);
  }

  private plain(): Server {
    return this.noted(createServer((socket) => this.relay.accept(socket)));
  }

  private secure(tls: TlsOptions): Server {
    const handshakeTimeout = this.settings.startTimeoutMs || 120_000;
    return this.noted(createTlsServer({ handshakeTimeout, ...tls }, (socket) => this.relay.accept(socket)));
  }

  private noted(server: Server): Server {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    return server;
  }
}
