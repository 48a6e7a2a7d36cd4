import type { Socket } from 'node:net';
import { tokenFromQuery } from '@stream-sessions/core';
import { normaliseAddress } from '@stream-sessions/core/spi';
import type { RtspClient } from '../door/client.js';
import type { Doors } from '../door/doors.js';
import type { RefusalStatus } from '../door/gate.js';
import { Challenge } from '../protocol/authorization.js';
import { parseUri, type RtspUri } from '../protocol/uri.js';
import { Guest } from '../server/guest.js';
import type { PackageRequest } from './shapes.js';

/** What is to be done with a request. */
export type Decision = 'pass on' | { readonly status: RefusalStatus | 400 | 454 | 455; readonly text: string };

/** A client that was let in and then neither plays nor publishes is gone after so long. */
const START_TIMEOUT_MS = 10_000;
const MAX_CHALLENGES = 5;
const ASKING = ['DESCRIBE', 'ANNOUNCE', 'SETUP', 'PLAY', 'RECORD'];

/** One connection of the package's server, and who is on it. */
export class Seat {
  readonly challenge = new Challenge('stream-sessions', ['digest', 'basic']);
  private guest: Guest | undefined = undefined;
  private isActive = false;
  private challenges = 0;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly socket: Socket,
    private readonly doors: Doors,
  ) {
    socket.once('close', () => this.leave());
  }

  /** Media over UDP, which nobody but the app sees. */
  count(sent: number, received: number): void {
    if (this.guest === undefined) return;
    this.guest.flows.bytesSent += sent;
    this.guest.flows.bytesReceived += received;
  }

  async decide(request: PackageRequest): Promise<Decision> {
    const { method } = request;
    if (method === 'OPTIONS') return 'pass on';
    if (!ASKING.includes(method)) return this.guest === undefined ? { status: 454, text: '' } : 'pass on';
    const uri = parseUri(request.uri);
    if (uri === undefined) return { status: 400, text: 'the URL names no stream' };
    const decision = this.isKnown(request, uri) ? 'pass on' : await this.enter(request, uri);
    // Before the app answers: what it sends from now on is media.
    if (decision === 'pass on' && (method === 'PLAY' || method === 'RECORD')) this.guest?.flows.begin(true);
    return decision;
  }

  /** The app has answered. */
  answered({ method }: PackageRequest, status: number): void {
    if (method === 'TEARDOWN' && status < 300) this.leave();
    if (method === 'PLAY' || method === 'RECORD') this.isActive ||= status < 300;
    else if (ASKING.includes(method) && status >= 400 && !this.isActive) this.leave();
    if (this.isActive) clearTimeout(this.timer);
  }

  /** A wrong password may be tried again, some times. */
  get isDone(): boolean {
    return this.challenges >= MAX_CHALLENGES;
  }

  private isKnown({ method, headers }: PackageRequest, { stream, query }: RtspUri): boolean {
    const { guest } = this;
    if (guest?.client.stream !== stream) return false;
    if (method !== 'DESCRIBE' && method !== 'ANNOUNCE') return true;
    const { authorization } = headers;
    const isSame = guest.client.query === query && guest.client.action === actionOf(method, undefined);
    return isSame && (authorization === undefined || authorization === guest.authorization);
  }

  private async enter({ method, headers }: PackageRequest, uri: RtspUri): Promise<Decision> {
    if (this.isActive) return { status: 455, text: 'one stream per connection' };
    this.leave();
    const { remoteAddress } = this.socket;
    if (remoteAddress === undefined) return { status: 454, text: '' };
    const { authorization } = headers;
    const { stream, query } = uri;
    const isSameStream = (other: string): boolean => parseUri(other)?.stream === stream;
    const client: RtspClient = {
      action: actionOf(method, headers['transport']),
      stream,
      query,
      url: uri.base,
      token: tokenFromQuery(query),
      userAgent: headers['user-agent'],
      remoteAddress: normaliseAddress(remoteAddress),
      secure: 'encrypted' in this.socket,
      credentials:
        authorization === undefined ? undefined : this.challenge.credentials(authorization, method, isSameStream),
    };
    const guest = (this.guest = new Guest(client, authorization, this.socket, () => this.socket.destroy()));
    const answer = await guest.ask(this.doors);
    if (answer.admitted) {
      this.timer = setTimeout(() => this.giveUp(), START_TIMEOUT_MS).unref();
      if (this.guest !== guest) clearTimeout(this.timer); // gone meanwhile
      return 'pass on';
    }
    this.guest = undefined;
    if (answer.status === 401) this.challenges++;
    return answer;
  }

  private giveUp(): void {
    this.guest?.leave('idle');
    this.guest = undefined;
    this.socket.destroy();
  }

  private leave(): void {
    clearTimeout(this.timer);
    this.isActive = false;
    this.guest?.leave('client_gone');
    this.guest = undefined;
  }
}

const actionOf = (method: string, transport: string | undefined): RtspClient['action'] =>
  method === 'ANNOUNCE' || method === 'RECORD' || (method === 'SETUP' && /;\s*mode="?record/i.test(transport ?? ''))
    ? 'publish'
    : 'play';
