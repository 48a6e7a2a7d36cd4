import type { DenialRecord } from '@stream-sessions/core';
import { LAST_MS, parseObject } from '@stream-sessions/core/spi';
import type { Running } from '../log/cluster-log.js';

/** What a log entry says about a denial: that it was made, with its id and its record as JSON, or lifted. */
export type DenialWord =
  | { readonly what: 'made'; readonly id: string; readonly json: string }
  | { readonly what: 'lifted'; readonly id: string; readonly until: number };

/** @param clockOffsetMs How much the clock of the cluster is ahead of this one. */
export function made(record: DenialRecord, clockOffsetMs: number): Running {
  const shared = onClusterClock(record, clockOffsetMs);
  return { id: record.id, until: shared.until, body: `D${record.id} ${JSON.stringify(shared)}` };
}

/** A record in the form that other processes accept. */
export const onClusterClock = (record: DenialRecord, clockOffsetMs: number): DenialRecord => ({
  ...record,
  since: record.since + clockOffsetMs,
  until: Math.min(record.until + clockOffsetMs, LAST_MS),
  hits: 0,
});

export const lifted = (id: string, until: number): Running => ({ id, until, body: `L${id} ${until}` });

/** Undefined: it is about something else. */
export function readWord(body: string): DenialWord | undefined {
  const isLift = body.startsWith('L');
  const space = body.indexOf(' ');
  if ((!isLift && !body.startsWith('D')) || space < 2) return undefined;
  const [id, rest] = [body.slice(1, space), body.slice(space + 1)];
  return isLift ? { what: 'lifted', id, until: Number(rest) } : { what: 'made', id, json: rest };
}

/**
 * A record in the form that this process accepts. Its end is by the local clock. `since` stays that of the cluster, like the
 * opening times of visits, with which it is compared. Undefined: it is damaged, which must not hold up those after it.
 */
export function readRecord(json: string, clockOffsetMs: number): DenialRecord | undefined {
  const record = parseObject(json) as { -readonly [Field in keyof DenialRecord]: DenialRecord[Field] } | undefined;
  if (record === undefined) return undefined;
  record.until = record.until >= LAST_MS ? LAST_MS : record.until - clockOffsetMs;
  return record;
}
