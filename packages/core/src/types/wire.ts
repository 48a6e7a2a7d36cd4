import type { SessionKind } from './kinds.js';
import type { Quality } from './play-session.js';

/** A session as JSON, with Open-Streamer's snake_case names. Times are RFC 3339 in UTC. Unknown values are absent. */
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
  limits?: { down_mbits?: number; up_mbits?: number };
  /** For sessions with limits: over about the last ten seconds. */
  rate_mbits?: number;
  /** In a cluster: the nodes where it was seen lately. */
  nodes?: readonly string[];
}

/** The types of all events. */
export const EVENT_TYPES = [
  'session.attached',
  'session.opened',
  'session.resumed',
  'session.updated',
  'session.closed',
  'session.denied',
  'source.waking',
  'source.running',
  'source.hibernated',
  'source.failed',
] as const;

/** The envelope that sinks get. */
export interface WireEvent {
  readonly id: string;
  readonly type: (typeof EVENT_TYPES)[number];
  readonly stream_code: string;
  readonly occurred_at: string;
  readonly seq: number;
  readonly payload: Readonly<Record<string, unknown>>;
}
