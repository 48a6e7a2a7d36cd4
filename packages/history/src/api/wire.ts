import { withoutAbsent } from '@stream-sessions/core/spi';
import type { Broadcast, ConcurrencyPoint, Share, StreamFigures, Summary, Visit } from '../types/query.js';

const iso = (at: number): string => new Date(at).toISOString();
const isoOrAbsent = (at: number | undefined): string | undefined => (at === undefined ? undefined : iso(at));
const seconds = (ms: number): number => ms / 1_000;

/** A visit as JSON, with the names used in the list of sessions. `visit_id` distinguishes the visits of one id. */
export const visitToWire = (visit: Visit) =>
  withoutAbsent({
    visit_id: `${visit.id}-${visit.openedAt}`,
    id: visit.id,
    stream_code: visit.stream,
    proto: visit.protocol,
    protos: visit.protocols,
    kind: visit.kind,
    ip: visit.ip,
    ip_kept: visit.ipKept,
    country: visit.country,
    user_name: visit.userName,
    named_by: visit.namedBy,
    user_agent: visit.userAgent,
    player: visit.player,
    referer: visit.referer,
    bytes: visit.bytes,
    bytes_received: visit.bytesReceived,
    secure: visit.secure,
    dvr: visit.dvr,
    opened_at: iso(visit.openedAt),
    ended_at: iso(visit.endedAt),
    closed_at: isoOrAbsent(visit.closedAt),
    duration_sec: seconds(visit.durationMs),
    close_reason: visit.closeReason,
    close_detail: visit.closeDetail,
    tags: Object.keys(visit.tags).length > 0 ? visit.tags : undefined,
    quality: visit.quality,
  });

const shareToWire = ({ key, views, watchMs, bytes }: Share) => ({ key, views, watch_sec: seconds(watchMs), bytes });

export const summaryToWire = (summary: Summary) =>
  withoutAbsent({
    from: iso(summary.from),
    to: iso(summary.to),
    views: summary.views,
    uniques_by_day: summary.uniquesByDay,
    peak: summary.peak,
    peak_at: isoOrAbsent(summary.peakAt),
    average: summary.average,
    watch_hours: summary.watchMs / 3_600_000,
    bytes: summary.bytes,
    dvr: { views: summary.dvr.views, watch_sec: seconds(summary.dvr.watchMs), bytes: summary.dvr.bytes },
    countries: summary.countries.map(shareToWire),
    protocols: summary.protocols.map(shareToWire),
    players: summary.players.map(shareToWire),
    reasons: summary.reasons.map(shareToWire),
  });

export const pointToWire = ({ at, peak, average, views }: ConcurrencyPoint) => ({ at: iso(at), peak, average, views });

export const streamToWire = ({ stream, views, peak, peakAt, watchMs, bytes }: StreamFigures) =>
  withoutAbsent({
    stream_code: stream,
    views,
    peak,
    peak_at: isoOrAbsent(peakAt),
    watch_sec: seconds(watchMs),
    bytes,
  });

export const broadcastToWire = ({ publisher, summary, uniques }: Broadcast) =>
  withoutAbsent({ publisher: visitToWire(publisher), summary: summaryToWire(summary), uniques });
