import type { DenialRecord } from '@stream-sessions/core';
import type { Running } from '../log/cluster-log.js';

/** The last moment that a Date can show: "for ever". */
const NEVER = 8.64e15;

/** What the log says of a denial: that it is made, with its id and its record as JSON, or lifted. */
export type DenialWord =
  | { readonly what: 'made'; readonly id: string; readonly json: string }
  | { readonly what: 'lifted'; readonly id: string; readonly until: number };

/** @param clockOffsetMs how much the clock of the cluster is ahead of this one */
export function made(record: DenialRecord, clockOffsetMs: number): Running {
  const shared = onClusterClock(record, clockOffsetMs);
  return { id: record.id, until: shared.until, body: `D${record.id} ${JSON.stringify(shared)}` };
}

/** A record as other processes take it. */
export const onClusterClock = (record: DenialRecord, clockOffsetMs: number): DenialRecord => ({
  ...record,
  since: record.since + clockOffsetMs,
  until: Math.min(record.until + clockOffsetMs, NEVER),
  hits: 0,
});

export const lifted = (id: string, until: number): Running => ({ id, until, body: `L${id} ${until}` });

/** Undefined: it is about something else. */
export function readWord(body: string): DenialWord | undefined {
  const found = /^([DL])(\S+) ([^]*)$/.exec(body);
  if (found === null) return undefined;
  const [, kind, id = '', rest = ''] = found;
  return kind === 'D' ? { what: 'made', id, json: rest } : { what: 'lifted', id, until: Number(rest) };
}

/**
 * A record as this process takes it. Its end is by the clock here. `since` stays that of the cluster, as the opening times of
 * visits are, which it is compared with.
 */
export function readRecord(json: string, clockOffsetMs: number): DenialRecord {
  const record = JSON.parse(json) as DenialRecord;
  return { ...record, until: record.until >= NEVER ? NEVER : record.until - clockOffsetMs };
}
