import { badOption, checkOptions } from '@stream-sessions/core/spi';
import {
  countViewers,
  isFrozen,
  selectBroadcast,
  selectFigures,
  selectStreams,
  selectUniques,
  stepsOfHours,
  stepsOfMinutes,
} from '../sql/figures.sql.js';
import type { SqlEngine } from '../types/engine.js';
import type {
  ConcurrencyPoint,
  ConcurrencyQuery,
  StreamFigures,
  StreamOrder,
  Summary,
  SummaryQuery,
  TopStreamsQuery,
  Visit,
} from '../types/query.js';
import { BadStep, MAX_POINTS } from './bad-step.js';
import { isTime } from './filter.js';
import { piecesOf } from './pieces.js';
import { type Split, sharesOf } from './shares.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MAX_STREAMS = 1_000;

interface Figures extends Omit<Split, 'by' | 'key'> {
  readonly by: string;
  readonly key: string;
  readonly peak: number;
  readonly peakAt: number | null;
}

const NONE = { views: 0, peak: 0, peakAt: null, watchMs: 0, bytes: 0 };

/** @param minutesSince The time from which there are figures by the minute, in epoch milliseconds. */
export async function summaryOf(engine: SqlEngine, asked: SummaryQuery, minutesSince: number): Promise<Summary> {
  checkTime('summary()', asked, ['stream', 'from', 'to']);
  const { stream = '' } = asked;
  const pieces = piecesOf(asked.from, asked.to, minutesSince);
  const [from, to] = [pieces[0], pieces[5]];
  const [rows, top, [uniques]] = await Promise.all([
    engine.query<Figures>(selectFigures, [stream, ...pieces]),
    sharesOf(engine, stream, pieces),
    engine.query<{ viewers: number }>(selectUniques, [stream, from - (from % DAY), to]),
  ]);
  const { views, peak, peakAt, watchMs, bytes } = rows.find(({ by }) => by === '') ?? NONE;
  const dvr = rows.find(({ by }) => by === 'dvr') ?? NONE;
  return {
    from,
    to,
    views,
    uniquesByDay: uniques?.viewers ?? 0,
    peak,
    peakAt: peakAt ?? undefined,
    average: watchMs / (to - from),
    watchMs,
    bytes: Math.round(bytes),
    dvr: { views: dvr.views, watchMs: dvr.watchMs, bytes: Math.round(dvr.bytes) },
    countries: top('country'),
    protocols: top('protocol'),
    players: top('player'),
    // live visits have no reason
    reasons: top('reason').filter(({ key }) => key !== ''),
  };
}

/** One point for each step, including those without viewers. */
export async function concurrencyOf(
  engine: SqlEngine,
  asked: ConcurrencyQuery,
  minutesSince: number,
): Promise<ConcurrencyPoint[]> {
  checkTime('concurrency()', asked, ['stream', 'from', 'to', 'stepMs']);
  const { stream = '', stepMs = 5 * MINUTE } = asked;
  const unit = asked.from < minutesSince ? HOUR : MINUTE;
  if (!(Number.isInteger(stepMs) && stepMs > 0 && stepMs % unit === 0)) throw new BadStep(stepMs, unit);
  const from = Math.floor(asked.from / unit) * unit;
  const count = Math.ceil((asked.to - from) / stepMs);
  if (count > MAX_POINTS) throw new BadStep(stepMs, undefined);
  const text = stepMs % HOUR === 0 && from % HOUR === 0 ? stepsOfHours : stepsOfMinutes;
  type Step = { step: number; peak: number; watchMs: number; views: number };
  const rows = await engine.query<Step>(text, [stream, from, from + count * stepMs, stepMs]);
  const points = Array.from({ length: count }, (_, i) => ({ at: from + i * stepMs, peak: 0, average: 0, views: 0 }));
  for (const { step, peak, watchMs, views } of rows) {
    points[step] = { at: from + step * stepMs, peak, average: watchMs / stepMs, views };
  }
  return points;
}

const FIGURE: Readonly<Record<StreamOrder, keyof StreamFigures>> = {
  watch: 'watchMs',
  views: 'views',
  peak: 'peak',
  bytes: 'bytes',
};
/** What streams can be sorted by. */
export const STREAM_ORDERS = Object.keys(FIGURE) as readonly StreamOrder[];

/** Sorted by the chosen figure, highest first. */
export async function topStreamsOf(
  engine: SqlEngine,
  asked: TopStreamsQuery,
  minutesSince: number,
): Promise<StreamFigures[]> {
  checkTime('topStreams()', asked, ['from', 'to', 'order', 'limit']);
  const { order = 'watch', limit = 10 } = asked;
  if (!Object.hasOwn(FIGURE, order)) throw badOption('order', `one of ${STREAM_ORDERS.join(', ')}`, order);
  if (!(Number.isInteger(limit) && limit > 0 && limit <= MAX_STREAMS))
    throw badOption('limit', `a whole number from 1 to ${MAX_STREAMS}`, limit);
  const pieces = piecesOf(asked.from, asked.to, minutesSince);
  const rows = await engine.query<Figures & { stream: string }>(selectStreams, ['', ...pieces]);
  const by = FIGURE[order];
  return rows
    .map(({ stream, views, peak, peakAt, watchMs, bytes }) => ({
      stream,
      views,
      peak,
      peakAt: peakAt ?? undefined,
      watchMs,
      bytes: Math.round(bytes),
    }))
    .sort((a, b) => (b[by] as number) - (a[by] as number) || (a.stream < b.stream ? -1 : 1))
    .slice(0, limit);
}

/** How many different people watched a broadcast: as counted, or from its visits if they still exist. */
export async function viewersOf(
  engine: SqlEngine,
  { id, stream, openedAt, endedAt }: Visit,
): Promise<number | undefined> {
  const [known] = await engine.query<{ viewers: number }>(selectBroadcast, [id, openedAt]);
  if (known !== undefined) return known.viewers;
  const [frozen] = await engine.query<{ frozen: boolean }>(isFrozen, [openedAt]);
  if (frozen?.frozen === true) return undefined;
  const [counted] = await engine.query<{ viewers: number }>(countViewers, [stream, openedAt, endedAt]);
  return counted?.viewers;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
function checkTime(what: string, asked: SummaryQuery, known: readonly string[]): void {
  checkOptions(what, asked, known);
  const { from, to } = asked;
  const stream: unknown = asked.stream;
  if (!isTime(from)) throw badOption('from', 'a time in epoch milliseconds', from);
  if (!(isTime(to) && to > from)) throw badOption('to', 'a time after from, in epoch milliseconds', to);
  if (stream !== undefined && (typeof stream !== 'string' || stream === '' || stream.includes('\0')))
    throw badOption('stream', 'the code of a stream', stream);
}
