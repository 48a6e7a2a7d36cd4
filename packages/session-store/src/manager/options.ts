import type { Clock, Logger } from '@stream-sessions/core';
import { badOption, checkClock, checkOptions, hasMethods, systemClock } from '@stream-sessions/core/spi';
import { badType } from '../errors.js';
import type { Session, SessionType } from '../session/session.js';
import { makeSession, type SessionFactory } from '../session/make-session.js';
import { localStorage } from '../storage/local-storage.js';
import type { Storage } from '../storage/storage.js';
import { checkPositive } from '../support/checks.js';

/** Options of {@link createManager}. */
export interface ManagerOptions<S extends Session = Session> {
  /**
   * A session that nobody has asked for in this time has expired, in milliseconds. Default: that of the storage, otherwise two
   * hours.
   */
  ttlMs?: number | undefined;
  /** The longest that a session lasts, however often it is asked for, in milliseconds. Default: unlimited. */
  maxLifetimeMs?: number | undefined;
  /** The type of the sessions that the manager creates; default `mcp`. */
  type?: SessionType | undefined;
  /** Creates the sessions instead, including those of its type that are read. It must only make an object. */
  factory?: SessionFactory<S> | undefined;
  /** Where sessions are stored. Default: in memory, `localStorage()`. It is closed by `stop()`. */
  storage?: Storage | undefined;
  /**
   * How often expired sessions are cleaned up, in milliseconds: responses of sessions that expired, or that another node deleted,
   * end this much later at most. Default: half the TTL, 30,000 at most.
   */
  sweepIntervalMs?: number | undefined;
  /** The source of time. Default: the wall clock. */
  clock?: Clock | undefined;
  /** Is warned (`warn`) about a storage that could not be cleaned up, and about a `close()` that threw. Default: nobody is. */
  logger?: Logger | undefined;
}

const TWO_HOURS_MS = 7_200_000;
const NAMES = ['ttlMs', 'maxLifetimeMs', 'type', 'factory', 'storage', 'sweepIntervalMs', 'clock', 'logger'];

const OF_STORAGE = [
  'create',
  'update',
  'load',
  'peek',
  'delete',
  'deleteExpired',
  'count',
  'range',
  'close',
] satisfies readonly (keyof Storage)[];

export type Warn = (details: object, message: string) => void;

export interface ManagerSettings {
  readonly ttlMs: number;
  readonly maxLifetimeMs: number;
  readonly make: SessionFactory;
  /** The user's own factory, which also restores sessions. */
  readonly factory: SessionFactory | undefined;
  readonly storage: Storage;
  readonly sweepIntervalMs: number;
  readonly clock: Clock;
  /** Never throws. */
  readonly warn: Warn;
}

/** @throws StreamSessionsError ERR_BAD_OPTION, ERR_BAD_SESSION_TYPE */
export function settingsOf(options: ManagerOptions): ManagerSettings {
  checkOptions('createManager()', options, NAMES);
  const { type, factory, clock = systemClock, maxLifetimeMs, logger } = options;
  checkClock(clock);
  const storage = options.storage ?? localStorage({ clock });
  if (!hasMethods(storage, OF_STORAGE))
    throw badOption('storage', 'localStorage(), redisStorage() or another', storage);
  const ttlMs = options.ttlMs ?? storage.ttlMs ?? TWO_HOURS_MS;
  checkPositive('ttlMs', ttlMs);
  if (storage.ttlMs !== undefined && storage.ttlMs !== ttlMs) {
    throw badOption('ttlMs', `${storage.ttlMs}, as the storage has it, or left out in one of them`, ttlMs);
  }
  const sweepIntervalMs = options.sweepIntervalMs ?? Math.max(1, Math.min(ttlMs / 2, 30_000));
  checkPositive('sweepIntervalMs', sweepIntervalMs);
  if (maxLifetimeMs !== undefined) checkPositive('maxLifetimeMs', maxLifetimeMs);
  if (factory !== undefined && type !== undefined)
    throw badOption('factory', 'left out where there is a "type"', factory);
  if (factory !== undefined && typeof factory !== 'function') throw badOption('factory', 'a function', factory);
  if (type !== undefined && (typeof type !== 'string' || type === '')) throw badType(type);
  if (logger !== undefined && typeof (logger as Partial<Logger> | null)?.warn !== 'function')
    throw badOption('logger', 'an object with warn()', logger);
  return {
    ttlMs,
    maxLifetimeMs: maxLifetimeMs ?? Infinity,
    make: factory ?? ((id) => makeSession(id, type ?? 'mcp', clock.now())),
    factory,
    storage,
    sweepIntervalMs,
    clock,
    warn: warnerOf(logger),
  };
}

/** A logger that throws (full disk, closed stream) does no harm: only that message is lost. */
function warnerOf(logger: Logger | undefined): Warn {
  return (details, message) => {
    try {
      logger?.warn(details, message);
    } catch {
      // there is nowhere left to report this
    }
  };
}
