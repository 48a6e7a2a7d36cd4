import type { DeniedEvent, PlaySession } from '@stream-sessions/core';
import type { Privacy } from '../privacy/privacy.js';
import type { DenialRow, VisitRow } from '../types/visit-row.js';
import { playerOf } from './player.js';

/** The shortest presence of a visit. */
const SHORTEST_MS = 1_000;
/** As the list of sessions shows a viewer who has no better name. */
const SHORT_ID = 8;

/** A session in the form in which it is recorded. */
export function visitRow(session: PlaySession, privacy: Privacy): VisitRow {
  const { openedAt, ip, userAgent } = session;
  const isNamed = session.userName !== session.id.slice(0, SHORT_ID);
  const id = privacy.id(session.id);
  return {
    id: plain(id),
    openedAt,
    endedAt: Math.max(session.updatedAt, openedAt + SHORTEST_MS),
    closedAt: session.closedAt ?? null,
    stream: plain(session.stream),
    kind: session.kind,
    protocol: plain(session.protocol),
    protocols: session.protocols.map(plain),
    // unknown for a visit of another node that died
    ip: ip === '' ? null : privacy.ip(ip),
    country: orNull(session.country),
    userName: isNamed ? plain(session.userName) : id.slice(0, SHORT_ID),
    namedBy: session.namedBy,
    viewer: privacy.viewer(isNamed ? session.userName : undefined, ip, userAgent),
    userAgent: orNull(userAgent),
    player: plain(playerOf(userAgent)),
    referer: orNull(session.referer),
    bytes: session.bytes,
    bytesReceived: session.bytesReceived,
    secure: session.secure,
    dvr: session.dvr,
    closeReason: orNull(session.closeReason),
    closeDetail: orNull(session.closeDetail),
    tags: session.tags,
    quality: session.quality ?? null,
    ipKept: privacy.mode,
  };
}

/** A refusal in the form in which it is recorded. */
export function denialRow({ denial, stream, protocol, ip, occurredAt }: DeniedEvent, privacy: Privacy): DenialRow {
  return {
    id: plain(denial.id),
    deniedAt: occurredAt,
    until: Number.isFinite(denial.until) ? denial.until : null,
    stream: plain(stream),
    protocol: plain(protocol),
    ip: privacy.ip(ip),
    userName: orNull(denial.target.user),
    reason: plain(denial.reason),
    detail: orNull(denial.detail),
    kind: denial.kind,
    ipKept: privacy.mode,
  };
}

const orNull = (text: string | undefined): string | null => (text === undefined ? null : plain(text));

/**
 * Text that PostgreSQL can store: no NUL, and no lone surrogates. Nearly every text is valid, and checking is faster than
 * replacing.
 */
export const plain = (text: string): string =>
  text.includes('\0') || HALF.test(text) ? text.replaceAll('\0', '\uFFFD').replaceAll(LONE, '\uFFFD') : text;

const HALF = /[\uD800-\uDFFF]/;
const LONE = /\p{Surrogate}/gu;
