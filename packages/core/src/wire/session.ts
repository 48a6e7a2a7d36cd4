import type { PlaySession, SessionProgress } from '../types/play-session.js';
import type { Limits } from '../types/limits.js';
import type { WireSession } from '../types/wire.js';
import { isoWithMemory } from './time.js';
import { withoutAbsent } from './without-absent.js';

/** Opening and start times are usually equal, and sessions that end together share update and closing times. */
const early = isoWithMemory();
const late = isoWithMemory();

const inSeconds = (times: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms / 1000]));

const inThousandths = (value: number): number => Math.round(value * 1000) / 1000;

const limitsToWire = ({ downMbits, upMbits }: Limits): NonNullable<WireSession['limits']> =>
  withoutAbsent({ down_mbits: downMbits, up_mbits: upMbits });

/**
 * A session in the form used by the REST API, webhooks and sinks. Called for each session that opens or closes, so the fields
 * that are always present are set in one literal, and nothing is copied twice.
 */
export function toWire(session: PlaySession): WireSession {
  const { streams, ips, tags, durationMsByProtocol } = session;
  const wire: WireSession = {
    id: session.id,
    stream_code: session.stream,
    proto: session.protocol,
    protos: session.protocols,
    kind: session.kind,
    ip: session.ip,
    user_name: session.userName,
    named_by: session.namedBy,
    bytes: session.bytes,
    bytes_received: session.bytesReceived,
    secure: session.secure,
    dvr: session.dvr,
    connections: session.connections,
    opened_at: early(session.openedAt),
    updated_at: late(session.updatedAt),
    duration_sec: session.durationMs / 1000,
  };
  if (streams.length > 1) wire.streams = streams;
  if (ips.length > 1) wire.ips = ips;
  if (session.userAgent !== undefined) wire.user_agent = session.userAgent;
  if (session.referer !== undefined) wire.referer = session.referer;
  if (session.query !== undefined) wire.query_string = session.query;
  if (session.tokenFingerprint !== undefined) wire.token_fingerprint = session.tokenFingerprint;
  if (session.token !== undefined) wire.token = session.token;
  if (session.country !== undefined) wire.country = session.country;
  if (session.startedAt !== undefined) wire.started_at = early(session.startedAt);
  if (session.closedAt !== undefined) wire.closed_at = late(session.closedAt);
  if (session.closeReason !== undefined) wire.close_reason = session.closeReason;
  if (session.closeDetail !== undefined) wire.close_detail = session.closeDetail;
  if (durationMsByProtocol !== undefined) wire.proto_sec = inSeconds(durationMsByProtocol);
  if (Object.keys(tags).length > 0) wire.tags = tags;
  if (session.quality !== undefined) wire.quality = session.quality;
  if (session.limits !== undefined) wire.limits = limitsToWire(session.limits);
  if (session.rateMbits !== undefined) wire.rate_mbits = inThousandths(session.rateMbits);
  if (session.nodes !== undefined) wire.nodes = session.nodes;
  return wire;
}

/** One of several rows with the same `id`, with a key of its own: for lists of all visits. */
export const visitToWire = (visit: PlaySession) => ({ visit_id: `${visit.id}-${visit.openedAt}`, ...toWire(visit) });

/** What has moved in a session, under the names of its row. */
export function progressToWire(progress: SessionProgress): Partial<WireSession> {
  const { id, openedAt, updatedAt, durationMs, bytes, bytesReceived, connections, rateMbits } = progress;
  const wire: Partial<WireSession> = {
    id,
    opened_at: early(openedAt),
    updated_at: late(updatedAt),
    duration_sec: durationMs / 1000,
    bytes,
    connections,
  };
  // a row starts with 0, and the value never decreases
  if (bytesReceived > 0) wire.bytes_received = bytesReceived;
  if (rateMbits !== undefined) wire.rate_mbits = inThousandths(rateMbits);
  return wire;
}
