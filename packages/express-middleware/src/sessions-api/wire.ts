import {
  type Explanation,
  type InvalidateResult,
  type PlaySession,
  type StreamSummary,
  toWire,
  type TrackerStats,
} from '@stream-sessions/core';
import { withoutAbsent } from '@stream-sessions/core/spi';
import { denialToWire } from './denials.js';

/** The tracker's counters as JSON, in Open-Streamer's names. */
export const statsToWire = (stats: TrackerStats) => ({
  active: stats.active,
  opened_total: stats.openedTotal,
  closed_total: stats.closedTotal,
  idle_closed_total: stats.idleClosedTotal,
  kicked_total: stats.kickedTotal,
  denied_total: stats.deniedTotal,
  overload_total: stats.overloadTotal,
  dropped_events_total: stats.droppedEventsTotal,
  viewers: stats.viewers,
  inputs: stats.inputs,
  outputs: stats.outputs,
  bytes_total: stats.bytesTotal,
});

/** One of several rows with one `id`: a key of its own, for lists of all visits. */
export const visitToWire = (visit: PlaySession) => ({ visit_id: `${visit.id}-${visit.openedAt}`, ...toWire(visit) });

export const streamToWire = ({ stream, viewers, inputs, outputs, bytes }: StreamSummary) => ({
  stream_code: stream,
  viewers,
  inputs,
  outputs,
  bytes,
});

export const invalidatedToWire = ({ asked, kept, closed, denialsLifted }: InvalidateResult) => ({
  asked,
  kept,
  closed,
  denials_lifted: denialsLifted,
});

const iso = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

/** Why a session or a denial is: the fields that made it one, what each policy said, what it waits for, what ended it. */
export const explanationToWire = (why: Explanation) =>
  withoutAbsent({
    id: why.id,
    kind: why.kind,
    named_by: why.namedBy,
    recipe: why.recipe,
    matched: why.matched && renamed(why.matched),
    policies: why.policies.map(({ policy, allowed, reason, detail, at, expiresAt }) =>
      withoutAbsent({ policy, allowed, reason, detail, at: iso(at), expires_at: iso(expiresAt) }),
    ),
    waiting_for: why.waitingFor,
    review_at: iso(why.reviewAt),
    idle_at: iso(why.idleAt),
    expires_at: iso(why.expiresAt),
    max_lifetime_at: iso(why.maxLifetimeAt),
    closed_at: iso(why.closedAt),
    close_reason: why.closeReason,
    close_detail: why.closeDetail,
    denial: why.denial && denialToWire(why.denial),
  });

/** Fields as a session shows them: a token is a fingerprint. */
const NAMES = { stream: 'stream_code', ip: 'ip', token: 'token', protocol: 'proto', userAgent: 'user_agent' } as const;

const renamed = (matched: NonNullable<Explanation['matched']>): Record<string, string> =>
  Object.fromEntries(Object.entries(matched).map(([field, value]) => [NAMES[field as keyof typeof NAMES], value]));
