import { tokenFromQuery, type CloseReason } from '@stream-sessions/core';
import type { RtspClient } from '../client/rtsp-client.js';
import type { Authorizers } from '../client/authorizers.js';
import type { RefusalStatus } from '../client/authorizer.js';
import { keep, ownCopy } from '@stream-sessions/core/spi';
import { Challenge, type AuthScheme } from '../protocol/authorization.js';
import type { RtspRequest } from '../protocol/request.js';
import type { Reply } from '../protocol/response.js';
import { parseUri, type RtspUri } from '../protocol/uri.js';
import { AdmittedClient } from './admitted-client.js';
import type { ConnectionControl } from './connection-control.js';

/** The parts of a request that identify the client. */
type Asked = Pick<RtspRequest, 'method' | 'headers'>;

/** The number of wrong passwords that one connection may try. */
const MAX_CHALLENGES = 5;
/** The longest User-Agent that is shown, in characters. */
const MAX_USER_AGENT_LENGTH = 2048;

/**
 * The client of a connection: authorised before it learns anything about a stream, and admitted from then on, until it leaves.
 */
export class ConnectionAuth {
  private current: AdmittedClient | undefined = undefined;
  private readonly challenge: Challenge;
  private challenges = 0;
  private over = false;

  constructor(
    private readonly control: Pick<ConnectionControl, 'socket' | 'address' | 'secure' | 'cut'>,
    private readonly authorizers: Authorizers,
    { realm, authentication }: { readonly realm: string; readonly authentication: readonly AuthScheme[] },
  ) {
    this.challenge = new Challenge(realm, authentication);
  }

  /** The client that is admitted, or waiting to be. */
  get client(): AdmittedClient | undefined {
    return this.current;
  }

  /** Whether the client has already asked for the same, with no new credentials. */
  knows(action: RtspClient['action'], { stream, query }: RtspUri, { headers }: Asked): boolean {
    return this.current?.cameFor(action, stream, query, headers.get('authorization')) === true;
  }

  /** Asks whether the client may enter, in place of the previous one; undefined: it may, or has gone meanwhile. */
  async enter(action: RtspClient['action'], uri: RtspUri, request: Asked): Promise<Reply | undefined> {
    this.leave('client_gone');
    const authorization = request.headers.get('authorization');
    const client = this.clientOf(action, uri, request, authorization);
    const cut = (reason: CloseReason): void => this.control.cut(reason);
    const admitted = (this.current = new AdmittedClient(client, authorization, this.control.socket, cut));
    const answer = await admitted.authorize(this.authorizers, client);
    if (answer.admitted || this.over) return undefined;
    this.current = undefined;
    return this.refusal(answer.status, answer.text);
  }

  leave(reason: CloseReason): void {
    this.current?.leave(reason);
    this.current = undefined;
  }

  /** The connection is over. */
  close(reason: CloseReason): void {
    this.over = true;
    this.leave(reason);
  }

  /** A client without credentials, or with wrong ones, may retry on the same connection. */
  private refusal(status: RefusalStatus, text: string): Reply {
    if (status !== 401) return { status, text, isLast: true };
    return { status, text, headers: this.challenge.headers(), isLast: ++this.challenges >= MAX_CHALLENGES };
  }

  /** Copies of its fields: policies and the tracker keep some of them, and must not keep the request with them. */
  private clientOf(
    action: RtspClient['action'],
    { stream, query, base }: RtspUri,
    { method, headers }: Asked,
    authorization: string | undefined,
  ): RtspClient {
    const isSameStream = (other: string): boolean => parseUri(other)?.stream === stream;
    return {
      action,
      stream: ownCopy(stream),
      url: ownCopy(base),
      query: ownCopy(query),
      token: ownCopy(tokenFromQuery(query)),
      userAgent: keep(headers.get('user-agent'), MAX_USER_AGENT_LENGTH),
      remoteAddress: this.control.address,
      secure: this.control.secure,
      credentials:
        authorization === undefined
          ? undefined
          : this.challenge.credentials(ownCopy(authorization), method, isSameStream),
    };
  }
}
