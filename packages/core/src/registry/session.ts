import { WheelNode } from '../deadlines/timing-wheel.js';
import type { Protocol, SessionKind } from '../model/kinds.js';
import type { CloseReason, NamedBy, PlaySession, Quality } from '../model/play-session.js';
import type { Limits } from '../policy/policy.js';
import type { Judgement } from '../tracker/explanation.js';
import type { OpenHandle } from '../tracker/handles.js';
import type { Household } from './household.js';
import type { StreamEntry } from './stream-entry.js';

/** Lists that a client can make longer (protocols, streams, addresses, names) end here. */
export const MAX_LISTED = 16;

const NO_TAGS: Readonly<Record<string, string>> = Object.freeze({});

/** What few sessions have; kept apart so that a million plain viewers do not pay for it. */
export class Rarities {
  referer: string | undefined = undefined;
  /** Apple's playback session id. */
  playerSessionId: string | undefined = undefined;
  /** More than one of them, when set. */
  protocols: Protocol[] | undefined = undefined;
  streams: string[] | undefined = undefined;
  ips: string[] | undefined = undefined;
  /** Names it was seen with besides those in the session's own fields, as `NamedBy` + value. */
  names: string[] | undefined = undefined;
  /** The user a policy named (vouched), or the transport authenticated. */
  userId: string | undefined = undefined;
  vouched = false;
  bytesReceived = 0;
  tags: Record<string, string> | undefined = undefined;
  limits: Limits | undefined = undefined;
  quality: Quality | undefined = undefined;
  /** Credentials and streams that the policies allowed besides those it opened with. */
  judged: Set<string> | undefined = undefined;
  judgements: Judgement[] | undefined = undefined;
  /** Epoch ms; Infinity: none. The earliest that any policy said. */
  expiresAt = Infinity;
  reviewAt = Infinity;
  reviewBytes = Infinity;
  /** A merged session's last HTTP hit keeps it open after its last connection has closed. */
  lastHitAt = -Infinity;
  closeDetail: string | undefined = undefined;
  /** A policy is being asked again. */
  asking = false;
}

/**
 * One live session. Times are epoch milliseconds. The order and number of fields matter: there are a million of them.
 */
export class Session extends WheelNode {
  protocol: Protocol;
  ip: string;
  country: string | undefined = undefined;
  query: string | undefined = undefined;
  sid: string | undefined = undefined;
  fingerprint: string | undefined = undefined;
  /** The key of the household it lives in; undefined for a connection, which is a session of its own. */
  household: string | undefined = undefined;
  /** The siblings, when the household has more than one member. */
  home: Household | undefined = undefined;
  /** The first of its open requests and connections. */
  handles: OpenHandle | undefined = undefined;
  rare: Rarities | undefined = undefined;
  closeReason: CloseReason | undefined = undefined;
  secure = false;
  dvr = false;
  /** The policies allowed the stream and token it opened with. */
  allowed = false;
  bytes = 0;
  /** Milliseconds after `openedAt` of the first byte; -1: none yet. */
  startedAfter = -1;
  /** Milliseconds after `openedAt` of the last `updated` event. */
  announcedAfter = 0;
  /** Last activity; of a closed session the end of its watch time. */
  updatedAt: number;

  constructor(
    readonly id: string,
    readonly kind: SessionKind,
    readonly namedBy: NamedBy,
    /** The stream watched last. */
    public entry: StreamEntry,
    protocol: Protocol,
    ip: string,
    readonly network: string,
    public userAgent: string | undefined,
    readonly token: string | undefined,
    readonly openedAt: number,
  ) {
    super();
    this.protocol = protocol;
    this.ip = ip;
    this.updatedAt = openedAt;
  }

  get rarities(): Rarities {
    return (this.rare ??= new Rarities());
  }

  get isClosed(): boolean {
    return this.closeReason !== undefined;
  }

  get stream(): string {
    return this.entry.code;
  }

  get streams(): readonly string[] {
    return this.rare?.streams ?? [this.stream];
  }

  get protocols(): readonly Protocol[] {
    return this.rare?.protocols ?? [this.protocol];
  }

  get ips(): readonly string[] {
    return this.rare?.ips ?? [this.ip];
  }

  get userId(): string | undefined {
    return this.rare?.userId;
  }

  get userName(): string {
    return this.rare?.userId ?? this.fingerprint ?? (this.sid ?? this.id).slice(0, 8);
  }

  get tags(): Readonly<Record<string, string>> {
    return this.rare?.tags ?? NO_TAGS;
  }

  /** Connections open now. */
  get connections(): number {
    let count = 0;
    for (let handle = this.handles; handle !== undefined; handle = handle.nextHandle) if (handle.isConnection) count++;
    return count;
  }

  credit(bytes: number, now: number): void {
    if (this.startedAfter < 0 && bytes > 0) this.startedAfter = now - this.openedAt;
    this.bytes += bytes;
    this.entry.bytes += bytes;
  }

  /** A copy. For a closed session `now` is when it closed. */
  snapshot(now: number, exposeToken: boolean): PlaySession {
    const rare = this.rare;
    return {
      id: this.id,
      kind: this.kind,
      stream: this.entry.code,
      streams: rare?.streams?.slice() ?? [this.entry.code],
      protocol: this.protocol,
      protocols: rare?.protocols?.slice() ?? [this.protocol],
      ip: this.ip,
      ips: rare?.ips?.slice() ?? [this.ip],
      userAgent: this.userAgent,
      referer: rare?.referer,
      query: this.query,
      tokenFingerprint: this.fingerprint,
      token: exposeToken ? this.token : undefined,
      userName: this.userName,
      userId: rare?.userId,
      namedBy: this.namedBy,
      country: this.country,
      bytes: this.bytes,
      bytesReceived: rare === undefined ? 0 : rare.bytesReceived,
      secure: this.secure,
      dvr: this.dvr,
      connections: this.handles === undefined ? 0 : this.connections,
      openedAt: this.openedAt,
      startedAt: this.startedAfter < 0 ? undefined : this.openedAt + this.startedAfter,
      updatedAt: this.updatedAt,
      closedAt: this.closeReason === undefined ? undefined : now,
      closeReason: this.closeReason,
      closeDetail: rare?.closeDetail,
      durationMs: Math.max(0, (this.closeReason === undefined ? now : this.updatedAt) - this.openedAt),
      tags: rare?.tags === undefined ? NO_TAGS : Object.freeze({ ...rare.tags }),
      quality: rare?.quality,
    };
  }
}
