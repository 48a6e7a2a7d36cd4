import { randomUUID } from 'node:crypto';
import type { WireEvent } from '../types/wire.js';
import { isoWithMemory } from './time.js';
import { withoutAbsent } from './without-absent.js';
import type { DeniedEvent, SessionClosedEvent, SessionEvent } from '../types/event.js';

const iso = isoWithMemory();
const isoNow = isoWithMemory();

function envelope(type: WireEvent['type'], seq: number, at: number, stream: string, payload: object): WireEvent {
  return Object.freeze({
    id: randomUUID(),
    type,
    stream_code: stream,
    occurred_at: isoNow(at),
    seq,
    payload: Object.freeze(withoutAbsent(payload as Record<string, unknown>)),
  });
}

export function openedEnvelope({ seq, occurredAt, session }: SessionEvent): WireEvent {
  return envelope('session.opened', seq, occurredAt, session.stream, {
    session_id: session.id,
    opened_at: iso(session.openedAt),
    proto: session.protocol,
    kind: session.kind,
    ip: session.ip,
    user_agent: session.userAgent,
    country: session.country,
    user_name: session.userName,
  });
}

export function updatedEnvelope({ seq, occurredAt, session }: SessionEvent): WireEvent {
  return envelope('session.updated', seq, occurredAt, session.stream, {
    session_id: session.id,
    opened_at: iso(session.openedAt),
    proto: session.protocol,
    ip: session.ip,
    bytes: session.bytes,
    bytes_received: session.bytesReceived,
    duration_sec: session.durationMs / 1000,
  });
}

export function closedEnvelope({ seq, occurredAt, session, reason }: SessionClosedEvent): WireEvent {
  return envelope('session.closed', seq, occurredAt, session.stream, {
    session_id: session.id,
    opened_at: iso(session.openedAt),
    proto: session.protocol,
    kind: session.kind,
    ip: session.ip,
    bytes: session.bytes,
    bytes_received: session.bytesReceived,
    duration_sec: session.durationMs / 1000,
    reason,
    detail: session.closeDetail,
  });
}

export function deniedEnvelope({ seq, occurredAt, denial, stream, protocol, ip }: DeniedEvent): WireEvent {
  return envelope('session.denied', seq, occurredAt, stream, {
    denial_id: denial.id,
    proto: protocol,
    ip,
    reason: denial.reason,
    detail: denial.detail,
    kind: denial.kind,
    until: iso(denial.until),
  });
}
