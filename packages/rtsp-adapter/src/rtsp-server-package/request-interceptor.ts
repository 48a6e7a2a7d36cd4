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
  private readonly unguard: () => void;
  private readonly emit: RtspServerPackage['emit'];
  private readonly ownEmit: RtspServerPackage['emit'];
  private users = 0;

  /** The interceptor of this server, shared by all attachments to it. */
  static of(server: RtspServerPackage): RequestInterceptor {
    let interceptor = interceptors.get(server);
    if (interceptor === undefined) interceptors.set(server, (interceptor = new RequestInterceptor(server)));
    return interceptor;
  }

  private constructor(private readonly server: RtspServerPackage) {
    this.unguard = guardDecoders(server);
    const emit = (this.emit = server.emit.bind(server));
    // Not a listener, because it could not intercept handlers that are added later.
    this.ownEmit = (event: string, ...args: unknown[]): boolean => {
      if (event !== 'request' || this.users === 0) return emit(event, ...args);
      this.receive(args as unknown as Call);
      return true;
    };
    server.emit = this.ownEmit;
  }

  addAuthorizer(authorizer: Authorizer): void {
    this.users++;
    this.authorizers.add(authorizer);
  }

  /** With the last one removed, the server is as before, except for the guard on existing connections. */
  deleteAuthorizer(authorizer: Authorizer): void {
    this.authorizers.delete(authorizer);
    if (--this.users > 0) return;
    this.unguard();
    // Somebody may have wrapped it after us: then our function stays in the chain and does nothing.
    if (this.server.emit === this.ownEmit) delete (this.server as Partial<RtspServerPackage>).emit;
    interceptors.delete(this.server);
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
      response.once('finish', () => connection.answered(request, response.statusCode));
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
