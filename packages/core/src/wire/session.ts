import type { SessionKind } from '../types/kinds.js';
import type { PlaySession, Quality } from '../types/play-session.js';

/** A session as JSON, in Open-Streamer's snake_case names, times RFC 3339 UTC. Absent values are absent. */
export interface WireSession {
  id: string;
  stream_code: string;
  streams?: readonly string[];
  proto: string;
  protos: readonly string[];
  kind: SessionKind;
  ip: string;
  ips?: readonly string[];
  user_agent?: string;
  referer?: string;
  query_string?: string;
  token_fingerprint?: string;
  token?: string;
  user_name: string;
  named_by: string;
  country?: string;
  bytes: number;
  bytes_received: number;
  secure: boolean;
  dvr: boolean;
  connections: number;
  opened_at: string;
  started_at?: string;
  updated_at: string;
  closed_at?: string;
  close_reason?: string;
  close_detail?: string;
  duration_sec: number;
  proto_sec?: Readonly<Record<string, number>>;
  tags?: Readonly<Record<string, string>>;
  quality?: Quality;
}

/** The envelope sinks get. */
export interface WireEvent {
  readonly id: string;
  readonly type: 'session.opened' | 'session.updated' | 'session.closed' | 'session.denied';
  readonly stream_code: string;
  readonly occurred_at: string;
  readonly seq: number;
  readonly payload: Readonly<Record<string, unknown>>;
}

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrAbsent = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : iso(ms));

const inSeconds = (times: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms / 1000]));

/** The session as the REST API, webhooks and sinks write it. */
export function toWire(session: PlaySession): WireSession {
  return withoutAbsent({
    id: session.id,
    stream_code: session.stream,
    streams: session.streams.length > 1 ? session.streams : undefined,
    proto: session.protocol,
    protos: session.protocols,
    kind: session.kind,
    ip: session.ip,
    ips: session.ips.length > 1 ? session.ips : undefined,
    user_agent: session.userAgent,
    referer: session.referer,
    query_string: session.query,
    token_fingerprint: session.tokenFingerprint,
    token: session.token,
    user_name: session.userName,
    named_by: session.namedBy,
    country: session.country,
    bytes: session.bytes,
    bytes_received: session.bytesReceived,
    secure: session.secure,
    dvr: session.dvr,
    connections: session.connections,
    opened_at: iso(session.openedAt),
    started_at: isoOrAbsent(session.startedAt),
    updated_at: iso(session.updatedAt),
    closed_at: isoOrAbsent(session.closedAt),
    close_reason: session.closeReason,
    close_detail: session.closeDetail,
    duration_sec: session.durationMs / 1000,
    proto_sec: session.durationMsByProtocol && inSeconds(session.durationMsByProtocol),
    tags: Object.keys(session.tags).length > 0 ? session.tags : undefined,
    quality: session.quality,
  }) as WireSession;
}

/** Absent values are absent: JSON.stringify would drop them too, but `'x' in wire` should agree with it. */
export function withoutAbsent<T extends Record<string, unknown>>(record: T): Partial<T> {
  const present: Partial<T> = {};
  for (const key in record) if (record[key] !== undefined) present[key] = record[key];
  return present;
}
