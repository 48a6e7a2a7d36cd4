import { randomBytes } from 'node:crypto';
import type { CloseReason } from '@stream-sessions/core';
import { MAX_STREAM_LENGTH } from '@stream-sessions/core/spi';
import type { RtspClient } from '../client/rtsp-client.js';
import type { Authorizers } from '../client/authorizers.js';
import { warnOfLeftOut } from '../warn.js';
import type { RtspRequest } from '../protocol/request.js';
import type { Headers, Reply, Status } from '../protocol/response.js';
import { formatSdp, readSdp, trackName, type Description } from '../protocol/sdp.js';
import { parseTransport } from '../protocol/transport-header.js';
import { namesOf, parseUri, type RtspUri } from '../protocol/uri.js';
import type { Streams } from '../relay/streams.js';
import { ConnectionAuth } from './connection-auth.js';
import type { ConnectionControl } from './connection-control.js';
import type { RelaySettings } from './options.js';
import { Player } from './player.js';
import { Publisher } from './publisher.js';
import type { Role } from './role.js';
import { SourceWaits } from './source-wait.js';

/** A reply, and what begins once it has been sent. */
export interface SessionReply extends Reply {
  readonly afterwards?: () => void;
}

const PUBLIC = 'OPTIONS, DESCRIBE, ANNOUNCE, SETUP, PLAY, PAUSE, RECORD, TEARDOWN, GET_PARAMETER, SET_PARAMETER';
const say = (status: Status, text?: string, headers: Headers = []): SessionReply => ({ status, text, headers });
const OK = say(200);

/**
 * The state machine of RFC 2326 appendix A on one connection: one client, one session, one stream. Requests are handled one after
 * the other.
 */
export class RtspSession {
  private readonly auth: ConnectionAuth;
  private readonly waits: SourceWaits;
  private announced: Description | undefined = undefined;
  private role: Role | undefined = undefined;
  private readonly id = randomBytes(8).toString('hex');

  constructor(
    private readonly control: ConnectionControl,
    private readonly streams: Streams,
    authorizers: Authorizers,
    private readonly settings: RelaySettings,
  ) {
    this.auth = new ConnectionAuth(control, authorizers, settings);
    this.waits = new SourceWaits(streams, settings.ready, settings.clock);
  }

  /** It is playing or publishing. */
  get isActive(): boolean {
    return this.role?.isActive === true;
  }

  /**
   * Whether signs of life are required: for a client that receives datagrams or is to send media, nothing else shows that it has
   * gone.
   */
  get hasToBeHeard(): boolean {
    const { role } = this;
    return role !== undefined && (role.uses('udp') || (role instanceof Publisher && role.isActive));
  }

  frame(channel: number, payload: Buffer): void {
    this.role?.frame(channel, payload);
  }

  /** The connection is over. */
  close(reason: CloseReason): void {
    this.waits.cancel();
    this.dropRole();
    this.auth.close(reason);
  }

  async handle(request: RtspRequest): Promise<SessionReply> {
    const { method, version, headers } = request;
    if (!version.startsWith('1.')) return say(505);
    if (headers.get('cseq') === undefined) return say(400, 'CSeq is missing');
    const required = headers.get('require');
    // §12.32: no feature that could be required is supported.
    if (required) return say(551, undefined, [['Unsupported', required]]);
    if (method === 'OPTIONS') return say(200, undefined, [['Public', PUBLIC]]);
    // Some encoders send the header before there is a session, with an empty value.
    const session = headers.get('session')?.split(';', 1)[0]?.trim();
    if (session && (this.role === undefined || session !== this.id)) return say(454);
    switch (method) {
      case 'DESCRIBE':
        return this.describe(request);
      case 'ANNOUNCE':
        return this.announce(request);
      case 'SETUP':
        return this.setUp(request);
      case 'PLAY':
        return this.play();
      case 'RECORD':
        return this.record();
      case 'PAUSE':
        return this.pause();
      case 'TEARDOWN':
        return this.tearDown();
      case 'GET_PARAMETER':
      case 'SET_PARAMETER':
        // Without a body they are keep-alives (§10.8); there are no parameters.
        return request.body.length === 0 ? this.inSession(OK) : say(451);
      default:
        return say(501, undefined, [['Public', PUBLIC]]);
    }
  }

  /** §10.2. */
  private async describe(request: RtspRequest): Promise<SessionReply> {
    const uri = parseUri(request.uri);
    if (uri === undefined) return say(400, 'the URL names no stream');
    if (this.role !== undefined && this.auth.client?.stream !== uri.stream) return say(455);
    const refused = await this.enterOnAir(uri, request);
    if (refused !== undefined) return refused;
    const description = this.streams.get(uri.stream)?.source?.description;
    if (description === undefined) return say(404); // gone meanwhile
    const { contentBase, controlOf } = namesOf(uri, trackName);
    const headers: Headers = [
      ['Content-Base', contentBase],
      ['Content-Type', 'application/sdp'],
    ];
    return { status: 200, headers, body: formatSdp(description, controlOf) };
  }

  /** §10.3, by a publisher. */
  private async announce(request: RtspRequest): Promise<SessionReply> {
    const uri = parseUri(request.uri);
    if (uri === undefined || uri.stream.length > MAX_STREAM_LENGTH) return say(400, 'the URL names no stream');
    if (this.role !== undefined) return say(455);
    if (!/^application\/sdp\b/i.test(request.headers.get('content-type') ?? '')) return say(415);
    const { description, leftOut } = readSdp(request.body.toString('utf8'));
    if (description === undefined) {
      return say(
        400,
        leftOut === '' ? 'this SDP has no medium (m=)' : `nothing in this SDP can be relayed: ${leftOut}`,
      );
    }
    const refused = await this.enter('publish', uri, request);
    if (refused !== undefined) return refused;
    this.announced = description;
    if (leftOut !== '') warnOfLeftOut(uri.stream, leftOut);
    return OK;
  }

  /** §10.4. */
  private async setUp(request: RtspRequest): Promise<SessionReply> {
    if (this.isActive) return say(455);
    const offers = parseTransport(request.headers.get('transport') ?? '');
    const { announced } = this;
    if (offers.some(({ isRecord }) => isRecord) && announced === undefined) return say(455, 'ANNOUNCE comes first');
    // Encoders set up everything that they announced. Tracks beyond the last one reach no player.
    const controls =
      announced === undefined ? [] : [...announced.tracks.map(({ control }) => control), ...announced.unused];
    const uri = parseUri(
      request.uri,
      controls.filter((control) => !control.includes('://')),
    );
    if (uri === undefined) return say(400, 'the URL names no stream');
    const absolute = controls.indexOf(request.uri);
    const isElsewhere = absolute < 0 && this.auth.client?.stream !== uri.stream;
    if (isElsewhere && (announced !== undefined || this.role !== undefined)) return say(455);
    if (isElsewhere) {
      // A client admitted at DESCRIBE need not be judged again; one that starts with SETUP is judged here.
      const refused = await this.enterOnAir(uri, request);
      if (refused !== undefined) return refused;
    }
    const names = announced === undefined ? this.playerControls(uri.stream) : controls;
    const tracks = announced?.tracks.length ?? names.length;
    const track = absolute >= 0 ? absolute : trackOf(uri, names, tracks);
    if (track === undefined) return say(tracks > 1 && uri.control === undefined ? 459 : 404);
    const role = (this.role ??= this.newRole(uri.stream));
    if (role === undefined) return say(404);
    const transport = await role.setUp(track, offers);
    if (transport !== undefined) return this.inSession(say(200, undefined, [['Transport', transport]]));
    // There is no session until something is set up: it could be played, and would be a viewer of nothing.
    if (!role.isSetUp) this.dropRole();
    return say(461);
  }

  /** §10.5; live streams have no range. */
  private play(): SessionReply {
    const { role } = this;
    if (!(role instanceof Player)) return say(role === undefined ? 454 : 455);
    if (!role.isOnAir) return say(404);
    return {
      ...this.inSession(say(200, undefined, [['Range', 'npt=now-']])),
      // Media must not precede the response.
      afterwards: () => role.play(),
    };
  }

  /** §10.11. */
  private record(): SessionReply {
    const { role } = this;
    const { client } = this.auth;
    if (!(role instanceof Publisher) || client === undefined) return say(role === undefined ? 454 : 455);
    return { ...this.inSession(OK), afterwards: () => role.record(() => this.streams.open(client.stream)) };
  }

  /** §10.6. */
  private pause(): SessionReply {
    const { role } = this;
    if (!(role instanceof Player) || !role.isActive) return say(role === undefined ? 454 : 455);
    role.pause();
    return this.inSession(OK);
  }

  /** §10.7. */
  private tearDown(): SessionReply {
    if (this.role === undefined) return say(454);
    this.leave('client_gone');
    return OK;
  }

  private inSession(reply: SessionReply): SessionReply {
    if (this.role === undefined) return reply;
    const timeout = Math.ceil(this.settings.sessionTimeoutMs / 1000);
    return { ...reply, headers: [...(reply.headers ?? []), ['Session', `${this.id};timeout=${timeout}`]] };
  }

  private playerControls(stream: string): string[] {
    return this.streams.get(stream)?.source?.description.tracks.map((_, i) => trackName(i)) ?? [];
  }

  private newRole(code: string): Role | undefined {
    const { control, settings, announced } = this;
    const { client } = this.auth;
    if (client === undefined) return undefined;
    if (announced !== undefined) {
      return new Publisher(announced, control, client.meter, settings, () => control.cut('replaced'));
    }
    const stream = this.streams.get(code);
    if (stream === undefined) return undefined;
    return new Player(stream, control, client.meter, settings, () => control.cut('stream_ended'));
  }

  /** Asks whether the client may enter; undefined: it may. */
  private async enter(
    action: RtspClient['action'],
    uri: RtspUri,
    request: RtspRequest,
  ): Promise<SessionReply | undefined> {
    if (this.auth.knows(action, uri, request)) return undefined;
    if (this.role !== undefined) return say(455);
    this.announced = undefined;
    return this.auth.enter(action, uri, request);
  }

  /** The same for a player, which is held until its stream is on air if something starts the source. */
  private async enterOnAir(uri: RtspUri, request: RtspRequest): Promise<SessionReply | undefined> {
    const { stream } = uri;
    if (!this.waits.mayCome(stream)) return say(404);
    const refused = await this.enter('play', uri, request);
    if (refused !== undefined) return refused;
    const outcome = await this.waits.until(stream);
    if (outcome === 'on air') return undefined;
    if (outcome === 'absent') return say(404);
    this.leave('client_gone');
    return say(503, 'the source of this stream is being started', [['Retry-After', '2']]);
  }

  private leave(reason: CloseReason): void {
    this.dropRole();
    this.announced = undefined;
    this.auth.leave(reason);
  }

  private dropRole(): void {
    this.role?.close();
    this.role = undefined;
  }
}

function trackOf(uri: RtspUri, names: readonly string[], tracks: number): number | undefined {
  if (uri.control === undefined) return tracks === 1 ? 0 : undefined;
  const wanted = uri.control.toLowerCase();
  const track = names.findIndex((name) => name.toLowerCase() === wanted);
  return track < 0 ? undefined : track;
}
