import type { PlaySession, SessionProgress } from '../types/play-session.js';
import { NO_TAGS, type Session } from './session.js';
import { durationMsByProtocol } from './watch-time.js';

/** What moves while somebody watches, for a live session. */
export function progressOf(session: Session, now: number): SessionProgress {
  const { rare, sharedFields, entry, openedAt } = session;
  return {
    id: session.id,
    kind: sharedFields.kind,
    stream: entry.code,
    streams: rare?.streams?.slice() ?? entry.codes,
    openedAt,
    updatedAt: session.updatedAt,
    durationMs: Math.max(0, now - openedAt - (rare === undefined ? 0 : rare.absentMs)),
    bytes: session.bytes,
    bytesReceived: rare === undefined ? 0 : rare.bytesReceived,
    connections: session.handles === undefined ? 0 : session.connections,
    rateMbits: session.hot?.rates?.mbits(sharedFields.kind, now),
  };
}

/** A copy of the session. For a closed one, `now` is when it closed. */
export function snapshotOf(session: Session, now: number, exposeToken: boolean): PlaySession {
  const { rare, sharedFields, entry, openedAt, updatedAt } = session;
  const closed = sharedFields.closeReason !== undefined;
  return {
    id: session.id,
    kind: sharedFields.kind,
    stream: entry.code,
    streams: rare?.streams?.slice() ?? entry.codes,
    protocol: sharedFields.protocol,
    protocols: rare?.protocols?.slice() ?? sharedFields.protocols,
    ip: session.ip,
    ips: rare?.ips?.slice() ?? [session.ip],
    userAgent: session.userAgent,
    referer: rare?.referer,
    query: session.query,
    tokenFingerprint: session.fingerprint,
    token: exposeToken ? session.token : undefined,
    userName: session.userName,
    userId: rare?.userId,
    namedBy: sharedFields.namedBy,
    country: sharedFields.country,
    bytes: session.bytes,
    bytesReceived: rare === undefined ? 0 : rare.bytesReceived,
    secure: sharedFields.secure,
    dvr: sharedFields.dvr,
    connections: session.handles === undefined ? 0 : session.connections,
    openedAt,
    startedAt: session.startedAt,
    updatedAt,
    closedAt: closed ? now : undefined,
    closeReason: sharedFields.closeReason,
    closeDetail: rare?.closeDetail,
    durationMs: Math.max(0, (closed ? updatedAt : now) - openedAt - (rare === undefined ? 0 : rare.absentMs)),
    durationMsByProtocol: rare === undefined ? undefined : durationMsByProtocol(session, closed ? updatedAt : now),
    tags: rare?.tags === undefined ? NO_TAGS : Object.freeze({ ...rare.tags }),
    quality: rare?.quality,
    limits: rare?.limits,
    rateMbits: session.hot?.rates?.mbits(sharedFields.kind, now),
  };
}
