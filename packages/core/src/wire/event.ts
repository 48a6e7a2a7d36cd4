import { randomUUID } from 'node:crypto';
import type { WireEvent, WireSession } from '../types/wire.js';
import { isoWithMemory } from './time.js';
import { withoutAbsent } from './without-absent.js';
import type {
  DeniedEvent,
  SessionChangedEvent,
  SessionClosedEvent,
  SessionEvent,
  SessionOpenedEvent,
  SourceEvent,
  TrackerEvents,
} from '../types/event.js';
import type { PlaySession } from '../types/play-session.js';
import { progressToWire, toWire } from './session.js';

const iso = isoWithMemory();
const isoNow = isoWithMemory();

/** `payload`: owned by this envelope, and without absent values. */
const envelope = (
  type: WireEvent['type'],
  id: string,
  seq: number,
  at: number,
  stream: string,
  payload: object,
): WireEvent =>
  Object.freeze({
    id,
    type,
    stream_code: stream,
    occurred_at: isoNow(at),
    seq,
    payload: Object.freeze(payload as Record<string, unknown>),
  });

type PairPayload = WireSession & { session_id: string; viewers: number; reason?: string; detail?: string };

/** A whole row, so that its consumer needs no other. */
function pairPayload(session: PlaySession, viewers: number): PairPayload {
  const payload = toWire(session) as PairPayload;
  payload.session_id = session.id;
  payload.viewers = viewers;
  return payload;
}

/** A session that was live when a sink was added: many such events share one `seq`. */
export const attachedEnvelope = (
  seq: number,
  at: number,
  session: PlaySession,
  viewers: number,
  id: string = randomUUID(),
): WireEvent => envelope('session.attached', id, seq, at, session.stream, pairPayload(session, viewers));

export const openedEnvelope = ({ seq, occurredAt, session, viewers }: SessionOpenedEvent, id: string): WireEvent =>
  envelope('session.opened', id, seq, occurredAt, session.stream, pairPayload(session, viewers));

/** The same for a visit that an earlier process had already announced. */
export const resumedEnvelope = ({ seq, occurredAt, session, viewers }: SessionOpenedEvent, id: string): WireEvent =>
  envelope('session.resumed', id, seq, occurredAt, session.stream, pairPayload(session, viewers));

/** Made a hundred thousand times within seconds, so it contains only what changes. */
export const updatedEnvelope = ({ seq, occurredAt, session }: SessionEvent, id: string): WireEvent =>
  envelope('session.updated', id, seq, occurredAt, session.stream, {
    session_id: session.id,
    opened_at: iso(session.openedAt),
    proto: session.protocol,
    ip: session.ip,
    bytes: session.bytes,
    bytes_received: session.bytesReceived,
    duration_sec: session.durationMs / 1000,
  });

export function closedEnvelope(event: SessionClosedEvent, id: string): WireEvent {
  const { seq, occurredAt, session, reason, viewers } = event;
  const payload = pairPayload(session, viewers);
  payload.reason = reason;
  if (session.closeDetail !== undefined) payload.detail = session.closeDetail;
  return envelope('session.closed', id, seq, occurredAt, session.stream, payload);
}

export function deniedEnvelope(event: DeniedEvent, id: string): WireEvent {
  const { seq, occurredAt, denial, stream, protocol, ip } = event;
  return envelope(
    'session.denied',
    id,
    seq,
    occurredAt,
    stream,
    withoutAbsent({
      denial_id: denial.id,
      proto: protocol,
      ip,
      reason: denial.reason,
      detail: denial.detail,
      kind: denial.kind,
      until: iso(denial.until),
    }),
  );
}

export const sourceEnvelope = ({ seq, occurredAt, stream, change, detail }: SourceEvent, id: string): WireEvent =>
  envelope(`source.${change}`, id, seq, occurredAt, stream, withoutAbsent({ detail }));

/**
 * What has moved, or a whole row where that is not enough for a consumer that keeps a list. Made many thousand times a second, so
 * it repeats nothing.
 */
function changedEnvelope({ seq, occurredAt, progress, session }: SessionChangedEvent, id: string): WireEvent {
  const payload = session === undefined ? progressToWire(progress) : toWire(session);
  return envelope('session.updated', id, seq, occurredAt, progress.stream, payload);
}

type Told = Omit<TrackerEvents, 'attached'>;

const ENVELOPES: { readonly [E in keyof Told]: (event: Told[E], id: string) => WireEvent } = {
  opened: openedEnvelope,
  resumed: resumedEnvelope,
  updated: updatedEnvelope,
  changed: changedEnvelope,
  closed: closedEnvelope,
  denied: deniedEnvelope,
  source: sourceEnvelope,
};

/** The names of the events that one can subscribe to permanently. */
export const EVENT_NAMES = Object.keys(ENVELOPES) as readonly (keyof Told)[];

/**
 * An event of `on()` in the form that sinks get. `changed` becomes a `session.updated`, with the whole row if there are new
 * details.
 */
export const eventToWire = <E extends keyof Told>(name: E, event: Told[E], id: string): WireEvent =>
  ENVELOPES[name](event, id);
