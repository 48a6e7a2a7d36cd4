import type { Clock, Logger } from '@stream-sessions/core';
import {
  badOption,
  badSecret,
  checkClock,
  checkMethods,
  checkOptions,
  consoleLogger,
  isolated,
  systemClock,
} from '@stream-sessions/core/spi';
import type { PgPool } from './postgres/postgres-engine.js';
import type { IpMode } from './types/visit-row.js';
import type { SqlEngine } from './types/engine.js';

/** The full address for this many days, and less afterwards. */
export interface IpLater {
  readonly then: 'truncated' | 'none';
  readonly afterDays: number;
}

/** Retention in days; `Infinity` means for ever. Visits and minutes are dropped a month at a time. */
export interface RetentionDays {
  /** Default 90. */
  readonly visits?: number | undefined;
  /** Default 30. */
  readonly minutes?: number | undefined;
  /** Default `Infinity`. */
  readonly hours?: number | undefined;
  /** Default `Infinity`. */
  readonly days?: number | undefined;
}

/** Options of `openHistory()`. One of `url`, `pool`, `dataDir` and `engine` selects the database. */
export interface HistoryOptions {
  /** `postgres://…`: PostgreSQL 14 or newer, by the npm package `pg`. */
  readonly url?: string | undefined;
  /** A `Pool` of the npm package `pg`, which you have to end yourself. */
  readonly pool?: PgPool | undefined;
  /** A folder for PGlite (npm package `@electric-sql/pglite`), used by this process alone. */
  readonly dataDir?: string | undefined;
  /** A database adapter of your own. */
  readonly engine?: SqlEngine | undefined;
  /**
   * A folder for what the database has not taken yet, used by this process alone. Default `<dataDir>-journal`, `history-journal`.
   */
  readonly journal?: string | undefined;
  /** Bytes. Default 1 GiB. */
  readonly maxJournalBytes?: number | undefined;
  /** How often a live visit that changes is written. Milliseconds. Default a minute. */
  readonly progressMs?: number | undefined;
  /** Visits are closed as `lost` if their process has not been heard from for this long. Milliseconds. Default five minutes. */
  readonly lostAfterMs?: number | undefined;
  readonly retentionDays?: RetentionDays | undefined;
  /** What is kept of addresses. Default `full`. */
  readonly ip?: IpMode | IpLater | undefined;
  /**
   * For ids where addresses are not kept in full: 16 characters or more, the same for all processes that write to one database.
   * Default: generated at the first start, and kept in the journal's folder.
   */
  readonly key?: string | undefined;
  /** Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger | undefined;
}

const KNOWN: readonly string[] = [
  'url',
  'pool',
  'dataDir',
  'engine',
  'journal',
  'maxJournalBytes',
  'progressMs',
  'lostAfterMs',
  'retentionDays',
  'ip',
  'key',
  'clock',
  'logger',
] satisfies readonly (keyof HistoryOptions)[];
const PLACES = ['url', 'pool', 'dataDir', 'engine'] as const;
const MODES: readonly unknown[] = ['full', 'truncated', 'none'];
/** As `pg` reads them: a URL, or the folder of a socket. */
const URL_OF_POSTGRES = /^(?:postgres(?:ql)?:\/\/|socket:|\/)/;
const MIN_JOURNAL_BYTES = 1024 * 1024;
const MINUTE = 60_000;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checked(options: HistoryOptions) {
  checkOptions('openHistory()', options, KNOWN);
  const { maxJournalBytes = 1024 ** 3, progressMs = MINUTE, lostAfterMs = 5 * MINUTE, key, ip = 'full' } = options;
  const { clock = systemClock, logger = consoleLogger, dataDir, retentionDays = {} } = options;
  const { journal = dataDir === undefined ? 'history-journal' : `${dataDir}-journal` } = options;
  if (PLACES.filter((place) => options[place] !== undefined).length !== 1)
    throw badOption('openHistory()', `given one of ${PLACES.join(', ')}`, undefined);
  for (const [name, value] of Object.entries({ url: options.url, dataDir, journal })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw badOption(name, 'a text', value);
  }
  checkDatabase(options);
  checkClock(clock);
  checkMethods('logger', logger, ['warn', 'error']);
  if (!isFrom(MIN_JOURNAL_BYTES, maxJournalBytes))
    throw badOption('maxJournalBytes', `${MIN_JOURNAL_BYTES} bytes or more`, maxJournalBytes);
  if (!(isFrom(0, progressMs) && progressMs > 0))
    throw badOption('progressMs', 'a positive number of milliseconds', progressMs);
  if (!isFrom(2 * MINUTE, lostAfterMs))
    throw badOption(
      'lostAfterMs',
      `${2 * MINUTE} milliseconds or more, for processes are heard of once a minute`,
      lostAfterMs,
    );
  if (key !== undefined && !(typeof key === 'string' && key.length >= 16))
    throw badSecret('key', 'a text of 16 characters or more', key);
  checkOptions('retentionDays', retentionDays, ['visits', 'minutes', 'hours', 'days']);
  const { visits = 90, minutes = 30, hours = Infinity, days = Infinity } = retentionDays;
  for (const [name, value] of Object.entries({ visits, minutes, hours, days })) {
    if (!isFrom(1, value)) throw badOption(`retentionDays.${name}`, 'a number of days, at least 1', value);
  }
  return {
    ...options,
    journal,
    maxJournalBytes,
    progressMs,
    lostAfterMs,
    retention: { visits, minutes, hours, days },
    ...addresses(ip),
    clock,
    logger: isolated(logger),
  };
}

export type CheckedOptions = ReturnType<typeof checked>;

/** A wrong one would look like a database that is down: everything would wait for it in the journal. */
function checkDatabase({ url, pool, engine }: HistoryOptions): void {
  if (url !== undefined && !URL_OF_POSTGRES.test(url)) throw badSecret('url', '"postgres://…"', url);
  if (pool !== undefined) checkMethods('pool', pool, ['connect']);
  if (engine !== undefined) checkMethods('engine', engine, ['query', 'transaction', 'close']);
}

/** A number, not a text that is compared like one: an unparsed variable of the environment. */
const isFrom = (least: number, value: number): boolean => typeof value === 'number' && value >= least;

function addresses(ip: IpMode | IpLater): { ipMode: IpMode; later: IpLater | undefined } {
  if (typeof ip === 'string' && MODES.includes(ip)) return { ipMode: ip, later: undefined };
  if (typeof ip !== 'object' || ip === null) throw badOption('ip', 'full, truncated, none, or { then, afterDays }', ip);
  checkOptions('ip', ip, ['then', 'afterDays']);
  if (ip.then !== 'truncated' && ip.then !== 'none') throw badOption('ip.then', 'truncated or none', ip.then);
  if (!isFrom(0, ip.afterDays)) throw badOption('ip.afterDays', 'a number of days', ip.afterDays);
  return { ipMode: 'full', later: ip };
}
