import { WheelNode } from '../collections/timing-wheel.js';
import type { Protocol, SessionKind } from '../types/kinds.js';
import type { CloseReason, NamedBy } from '../types/play-session.js';
import type { HandleNode } from './handle-list.js';
import type { HotFields } from './hot-fields.js';
import { RareFields } from './rare-fields.js';
import type { SharedFields } from './shared-fields.js';

/** The bound of lists that a client can make longer (protocols, streams, addresses, names). */
export const MAX_LISTED = 16;

/** A time at which nothing can have happened. */
const NEVER = -0x80000000;

/** For a session without HTTP hits: earlier than any time at which a hit could keep it open. */
export const NO_HIT = Number.MIN_SAFE_INTEGER;

/** Bits of `mark`. */
const CHANGED = 1;
const DETAILS = 2;

/** The most characters of the name by which a session without a user is shown. */
export const SHOWN_NAME_LENGTH = 8;

/** Makes room for one more entry: the first one stays, and so do the most recent. Returns the entry that was removed. */
export function makeRoom<T>(list: T[]): T | undefined {
  return list.length < MAX_LISTED ? undefined : list.splice(1, 1)[0];
}

export const NO_TAGS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * V8 stores 32-bit integers inline; any other number costs 16 bytes more and another memory access. Sessions that open more than
 * 24 days after the tracker was made pay that.
 */
const small = (ms: number): number => (ms < 0x7fffffff && ms > NEVER ? ms | 0 : ms);

/** A group that a session shares with others. */
export interface SharedGroup {
  readonly key: string;
}

/** The stream that a session watches. */
export interface WatchedStream {
  readonly code: string;
  /** The code as a list, for copies of sessions that have watched no other stream. */
  readonly codes: readonly string[];
  /** Bytes sent to anyone since the stream became live. */
  bytes: number;
}

/**
 * One live session. Every field is paid for a million times: what sessions share is in `sharedFields` and `entry`, what is rare
 * in `rare`, and times are kept as milliseconds since the tracker was made.
 */
export class Session extends WheelNode {
  query: string | undefined = undefined;
  fingerprint: string | undefined = undefined;
  /** The key of the group that it has to itself, or the group it shares; undefined: a connection of its own. */
  group: string | SharedGroup | undefined = undefined;
  /** The first of its open requests and connections. */
  handles: HandleNode | undefined = undefined;
  hot: HotFields | undefined = undefined;
  rare: RareFields | undefined = undefined;
  bytes = 0;
  private opened: number;
  private updated: number;
  /** While it lives: flags for what has changed and has not been reported yet. Afterwards: when it closed. */
  private mark = 0;
  /** When the first byte flowed; NEVER: none has flowed yet. */
  private started = NEVER;

  constructor(
    public id: string,
    public sharedFields: SharedFields,
    /** Token, CMCD sid or playback session id, according to `namedBy`; undefined: it has no name. */
    public name: string | undefined,
    /** The stream watched most recently. */
    public entry: WatchedStream,
    public ip: string,
    /** The network it opened from, as identity counts it. */
    public network: string,
    public userAgent: string | undefined,
    openedAt: number,
  ) {
    super();
    this.opened = this.updated = small(openedAt - sharedFields.epoch);
  }

  /** True when it has this group to itself. */
  matches(stream: string, groupKey: string): boolean {
    return this.group === groupKey && (stream === '' || this.entry.code === stream);
  }

  get rareFields(): RareFields {
    return (this.rare ??= new RareFields());
  }

  /** Bytes sent and received. */
  get totalBytes(): number {
    return this.bytes + (this.rare?.bytesReceived ?? 0);
  }

  /** True when as many bytes as a policy is waiting for have flowed, in both directions together. */
  get isReviewDue(): boolean {
    const bytes = this.hot?.reviewBytes;
    return bytes !== undefined && this.totalBytes >= bytes;
  }

  /** True when nothing has been served to it yet, nor anything else of its stream: it is in no list. */
  get isUnserved(): boolean {
    return this.hot?.onServed !== undefined;
  }

  get isClosed(): boolean {
    return this.sharedFields.closeReason !== undefined;
  }

  get closeReason(): CloseReason | undefined {
    return this.sharedFields.closeReason;
  }

  get closeDetail(): string | undefined {
    return this.rare?.closeDetail;
  }

  get country(): string | undefined {
    return this.sharedFields.country;
  }

  get allowed(): boolean {
    return this.sharedFields.allowed;
  }

  get openedAt(): number {
    return this.sharedFields.epoch + this.opened;
  }

  /** The visit began then, on another node. Lists are sorted by this: only the registry may set it. */
  set openedAt(time: number) {
    this.opened = small(time - this.sharedFields.epoch);
  }

  /** Last activity; for a closed session, the end of its watch time. */
  get updatedAt(): number {
    return this.sharedFields.epoch + this.updated;
  }

  set updatedAt(time: number) {
    this.updated = small(time - this.sharedFields.epoch);
  }

  /** It has changed, and listeners will be told. Live sessions only. */
  get isChanged(): boolean {
    return (this.mark & CHANGED) !== 0;
  }

  set isChanged(changed: boolean) {
    this.mark = changed ? this.mark | CHANGED : this.mark & ~CHANGED;
  }

  /** A detail has changed, other than the counters that move while somebody watches. Live sessions only. */
  get hasNewDetails(): boolean {
    return (this.mark & DETAILS) !== 0;
  }

  set hasNewDetails(has: boolean) {
    if (!this.isClosed) this.mark = has ? this.mark | DETAILS : this.mark & ~DETAILS;
  }

  /** When the first byte flowed; undefined: none has flowed yet. */
  get startedAt(): number | undefined {
    return this.started === NEVER ? undefined : this.sharedFields.epoch + this.started;
  }

  /** Undefined while it is live. */
  get closedAt(): number | undefined {
    return this.isClosed ? this.sharedFields.epoch + this.mark : undefined;
  }

  set closedAt(time: number) {
    this.mark = small(time - this.sharedFields.epoch);
  }

  get kind(): SessionKind {
    return this.sharedFields.kind;
  }

  get namedBy(): NamedBy {
    return this.sharedFields.namedBy;
  }

  get protocol(): Protocol {
    return this.sharedFields.protocol;
  }

  get dvr(): boolean {
    return this.sharedFields.dvr;
  }

  get token(): string | undefined {
    return this.sharedFields.namedBy === 'token' ? this.name : undefined;
  }

  get sid(): string | undefined {
    return this.sharedFields.namedBy === 'cmcd' ? this.name : this.rare?.sid;
  }

  get playerSessionId(): string | undefined {
    return this.sharedFields.namedBy === 'playback-session' ? this.name : this.rare?.playerSessionId;
  }

  get stream(): string {
    return this.entry.code;
  }

  get streams(): readonly string[] {
    return this.rare?.streams ?? this.entry.codes;
  }

  /** The stream it opened on. */
  get firstStream(): string {
    return this.rare?.streams?.[0] ?? this.entry.code;
  }

  get protocols(): readonly Protocol[] {
    return this.rare?.protocols ?? this.sharedFields.protocols;
  }

  get ips(): readonly string[] {
    return this.rare?.ips ?? [this.ip];
  }

  get userId(): string | undefined {
    return this.rare?.userId;
  }

  get userName(): string {
    return this.rare?.userId ?? this.fingerprint ?? (this.sid ?? this.id).slice(0, SHOWN_NAME_LENGTH);
  }

  get tags(): Readonly<Record<string, string>> {
    return this.rare?.tags ?? NO_TAGS;
  }

  /** True when no request of it was ever seen. */
  get isConnectionOnly(): boolean {
    return this.group === undefined || this.hot?.lastHitAt === NO_HIT;
  }

  /** Connections open now. */
  get connections(): number {
    let count = 0;
    for (let handle = this.handles; handle !== undefined; handle = handle.nextHandle) if (handle.isConnection) count++;
    return count;
  }

  /** The first byte flows. */
  begin(now: number): void {
    if (this.started !== NEVER) return;
    this.started = small(now - this.sharedFields.epoch);
    this.hasNewDetails = true;
  }

  credit(bytes: number, now: number): void {
    this.begin(now);
    this.bytes += bytes;
    this.entry.bytes += bytes;
  }
}
