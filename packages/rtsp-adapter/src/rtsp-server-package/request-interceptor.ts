import type { Socket } from 'node:net';
import { CONNECTION_STALL_MS } from '@stream-sessions/core/spi';
import { Authorizers } from '../client/authorizers.js';
import type { Authorizer } from '../client/authorizer.js';
import { CallbackAuthorizer } from '../client/callback-authorizer.js';
import { warnOfFault } from '../warn.js';
import { REASONS } from '../protocol/response.js';
import { intakeOf } from './intake.js';
import { PackageConnection, type Decision } from './connection.js';
import type { PackageRequest, PackageResponse, RtspServerPackage } from './shapes.js';
import { hangUp, guardDecoders } from './decoder-guard.js';

type Call = readonly [request: PackageRequest, response: PackageResponse];

/**
 * The most requests that may wait for the verdict on the one before them, on a connection without a guard, which existed before
 * we attached.
 */
const MAX_WAITING = 16;

const interceptors = new WeakMap<RtspServerPackage, RequestInterceptor>();
const connections = new WeakMap<Socket, PackageConnection>();

/**
 * For an app that sends media over UDP with a server of the npm package `rtsp-server`, where the adapter cannot see it. Credits
 * bytes to the client that plays or publishes on this connection.
 *
 * @param socket The `req.socket` of its requests
 */
export function countMedia(socket: Socket, sentBytes: number, receivedBytes = 0): void {
  connections.get(socket)?.count(sentBytes, receivedBytes);
}

/** Sits between a server of the package and its app's handlers: clients that are not admitted do not reach them. */
export class RequestInterceptor {
  private readonly authorizers = new Authorizers(new CallbackAuthorizer(undefined, CONNECTION_STALL_MS, undefined));
  private readonly waiting = new WeakMap<Socket, Call[]>();
  private users = 0;
  /** Set while there are attachments. */
  private undo: (() => void) | undefined = undefined;
  /** Gives a request to the app. */
  private emit: RtspServerPackage['emit'];

  /**
   * The interceptor of this server, shared by all attachments to it, at the same time or one after the other: its connections
   * outlive an attachment, and have to ask the next one.
   */
  static of(server: RtspServerPackage): RequestInterceptor {
    let interceptor = interceptors.get(server);
    if (interceptor === undefined) interceptors.set(server, (interceptor = new RequestInterceptor(server)));
    return interceptor;
  }

  private constructor(private readonly server: RtspServerPackage) {
    this.emit = server.emit.bind(server);
  }

  addAuthorizer(authorizer: Authorizer): void {
    this.users++;
    this.authorizers.add(authorizer);
    this.undo ??= this.install();
  }

  /** With the last one removed, the server is as before, except for the guard on existing connections. */
  deleteAuthorizer(authorizer: Authorizer): void {
    this.authorizers.delete(authorizer);
    if (--this.users > 0) return;
    this.undo?.();
    this.undo = undefined;
  }

  private install(): () => void {
    const { server } = this;
    const unguard = guardDecoders(server);
    const emit = (this.emit = server.emit.bind(server));
    let isInstalled = true;
    // Not a listener, because it could not intercept handlers that are added later.
    const ownEmit = (event: string, ...args: unknown[]): boolean => {
      if (event !== 'request' || !isInstalled) return emit(event, ...args);
      this.receive(args as unknown as Call);
      return true;
    };
    server.emit = ownEmit;
    return () => {
      isInstalled = false;
      unguard();
      // Somebody may have wrapped it after us: then our function stays in the chain and does nothing.
      if (server.emit === ownEmit) delete (server as Partial<RtspServerPackage>).emit;
    };
  }

  private receive(call: Call): void {
    const { socket } = call[0];
    intakeOf(socket)?.deciding();
    const waiting = this.waiting.get(socket);
    if (waiting === undefined) {
      this.waiting.set(socket, []);
      void this.serve(call);
    } else if (waiting.push(call) > MAX_WAITING) socket.destroy();
  }

  /** One request after the other, so that none overtakes the verdict on the one before it. */
  private async serve(first: Call): Promise<void> {
    const { socket } = first[0];
    const waiting = this.waiting.get(socket) ?? [];
    for (let call: Call | undefined = first; call !== undefined && !socket.destroyed; call = waiting.shift()) {
      try {
        const connection = this.connectionOf(socket);
        const decision = await connection.decide(call[0]);
        if (socket.destroyed) break;
        this.act(call, connection, decision);
      } catch (error) {
        warnOfFault(error);
        socket.destroy();
      }
    }
    this.waiting.delete(socket);
    intakeOf(socket)?.decided();
  }

  private act([request, response]: Call, connection: PackageConnection, decision: Decision): void {
    if (decision === 'pass on') {
      connection.passedOn(request, response);
      intakeOf(request.socket)?.passedOn(response);
      try {
        this.emit('request', request, response);
      } catch (error) {
        // An error of the app is the app's: it is not swallowed here.
        process.nextTick(() => {
          throw error;
        });
      }
      return;
    }
    request.resume();
    const { status, text, headers = [], isLast } = decision;
    response.statusCode = status;
    if (text) response.statusMessage = `${REASONS[status]}: ${text}`;
    // The same name may occur twice, as an array.
    for (const [name] of headers) {
      response.setHeader(
        name,
        headers.filter(([other]) => other === name).map(([, value]) => value),
      );
    }
    // When it has finished, the response is on its way to the socket.
    if (isLast === true) response.once('finish', () => setImmediate(hangUp, request.socket));
    response.end();
  }

  private connectionOf(socket: Socket): PackageConnection {
    let connection = connections.get(socket);
    if (connection === undefined)
      connections.set(socket, (connection = new PackageConnection(socket, this.authorizers)));
    return connection;
  }
}
