import type { PlaySession } from '../types/play-session.js';
import type { WireSession } from '../types/wire.js';
import { iso, isoOrAbsent } from './time.js';
import { withoutAbsent } from './without-absent.js';

const inSeconds = (times: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms / 1000]));

/** A session as the REST API, webhooks and sinks write it. */
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

/** One of several rows with the same `id`, with a key of its own: for lists of all visits. */
export const visitToWire = (visit: PlaySession) => ({ visit_id: `${visit.id}-${visit.openedAt}`, ...toWire(visit) });
