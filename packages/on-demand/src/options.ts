import type { Clock, Logger } from '@stream-sessions/core';
import {
  badOption,
  checkClock,
  checkMethods,
  checkOptions,
  consoleLogger,
  isolated,
  systemClock,
} from '@stream-sessions/core/spi';
import { atLeast, positiveInteger } from './checks.js';
import type { SourceDriver } from './driver.js';
import { goDuration } from './duration.js';
import type { SourceLease } from './lease/lease.js';
import { Pattern } from './pattern.js';
import { playlistOf, type Playlist, type PlaylistCheck } from './playlist/playlist.js';
import { errorWithoutSecrets, withoutSecrets } from './without-secrets.js';

/** Which streams have a source, and who starts it. */
export interface SourceRule {
  /** A stream code, `cam1`, or one with placeholders, `cam-{id}`: each captures 1 to 64 letters, digits, `_` and `-`. */
  readonly pattern: string;
  readonly driver: SourceDriver;
  /**
   * The file that a source writes, `media/{stream}/index.m3u8`: the source is running once this is newer than its start.
   * Leftovers of an earlier run are removed first: the playlist, and the segments it lists; its folder is created. Or a function
   * that tells whether the stream can be played, called every 100 ms. Default: it is running when its driver says so.
   */
  readonly playlist?: string | PlaylistCheck | undefined;
}

/** When sources sleep, in the terms that other trackers use in their configuration. */
export interface SessionSettings {
  /** Anything but exactly `"true"`: sources are never put to sleep. */
  readonly enableAutoHibernation?: string | undefined;
  /** In Go's notation for durations, `30m`, `1h30m`. Anything unreadable is 30 minutes. */
  readonly defaultIdleTimeout?: string | undefined;
}

/** Options of `createSources()`. */
export interface SourcesOptions {
  /** The first rule whose pattern matches the stream applies. */
  readonly sources: readonly SourceRule[];
  /** A source that is not running after this long has failed. Default 10,000 ms. */
  readonly startTimeoutMs?: number | undefined;
  /** A source that nobody has watched for this long is stopped. Default 1,800,000 ms (30 minutes); Infinity: never. */
  readonly hibernateAfterMs?: number | undefined;
  /** How many sources may run at once. A source that nobody watches makes room; otherwise the next one waits. Default 16. */
  readonly maxRunning?: number | undefined;
  /** How many may be starting at once. Default 4. */
  readonly maxStarting?: number | undefined;
  /** How often it checks whether somebody is still watching. Default 1,000 ms. */
  readonly checkIntervalMs?: number | undefined;
  /** How often a driver is asked what is running. Default 10,000 ms. */
  readonly pollIntervalMs?: number | undefined;
  /** How long a request waits for its source at most. Default 8,000 ms. */
  readonly holdMs?: number | undefined;
  /** How many requests may wait, over all streams. Default 1,000. */
  readonly maxHeld?: number | undefined;
  /**
   * For several processes that share a driver: the one that holds it decides about all sources, for the viewers of all processes.
   * Default: this process decides alone.
   */
  readonly lease?: SourceLease | undefined;
  /** Settings under the names that other trackers use, with values as text. `hibernateAfterMs` takes precedence. */
  readonly session?: SessionSettings | undefined;
  /** `enableAutoHibernation` of `session`, in a flat table of settings. Takes precedence over that. */
  readonly 'session.enableAutoHibernation'?: string | undefined;
  /** `defaultIdleTimeout` of `session`, in a flat table of settings. Takes precedence over that. */
  readonly 'session.defaultIdleTimeout'?: string | undefined;
  /** Default: the wall clock. */
  readonly clock?: Clock | undefined;
  /** Default: warnings and errors to stderr. */
  readonly logger?: Pick<Logger, 'warn' | 'error'> | undefined;
}

/** A validated rule. */
export interface Rule {
  readonly pattern: Pattern;
  readonly driver: SourceDriver;
  readonly playlist: Playlist | undefined;
}

type Plain = Required<Omit<SourcesOptions, 'sources' | 'lease' | 'session' | `session.${keyof SessionSettings}`>>;
export type SourcesSettings = Plain & { readonly rules: readonly Rule[]; readonly lease: SourceLease | undefined };

const KNOWN: readonly (keyof SourcesOptions)[] = [
  'sources',
  'startTimeoutMs',
  'hibernateAfterMs',
  'maxRunning',
  'maxStarting',
  'checkIntervalMs',
  'pollIntervalMs',
  'holdMs',
  'maxHeld',
  'lease',
  'session',
  'session.enableAutoHibernation',
  'session.defaultIdleTimeout',
  'clock',
  'logger',
];

const HALF_AN_HOUR = 30 * 60_000;

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: SourcesOptions): SourcesSettings {
  checkOptions('createSources()', options, KNOWN);
  const { sources, clock = systemClock, logger = consoleLogger } = options;
  if (!Array.isArray(sources) || sources.length === 0) {
    throw badOption('sources', 'a list like [{ pattern, driver }]', sources);
  }
  checkClock(clock);
  checkMethods('logger', logger, ['warn', 'error']);
  return {
    rules: sources.map(ruleOf),
    lease: leaseOf(options.lease),
    hibernateAfterMs: atLeast('hibernateAfterMs', options.hibernateAfterMs ?? fromSession(options), 0),
    startTimeoutMs: atLeast('startTimeoutMs', options.startTimeoutMs ?? 10_000, 1),
    maxRunning: positiveInteger('maxRunning', options.maxRunning ?? 16),
    maxStarting: positiveInteger('maxStarting', options.maxStarting ?? 4),
    checkIntervalMs: atLeast('checkIntervalMs', options.checkIntervalMs ?? 1_000, 1),
    pollIntervalMs: atLeast('pollIntervalMs', options.pollIntervalMs ?? 10_000, 1),
    holdMs: atLeast('holdMs', options.holdMs ?? 8_000, 0),
    maxHeld: atLeast('maxHeld', options.maxHeld ?? 1_000, 0),
    clock,
    logger: discreet(logger),
  };
}

/** Only the message is lost if the logger throws, and no secret of a driver gets into the log. */
function discreet(logger: Plain['logger']): Plain['logger'] {
  const method =
    (level: keyof Plain['logger']): Logger['warn'] =>
    (facts, text) =>
      logger[level]('err' in facts ? { ...facts, err: errorWithoutSecrets(facts.err) } : facts, withoutSecrets(text));
  return isolated({ ...consoleLogger, warn: method('warn'), error: method('error') });
}

function ruleOf(rule: SourceRule): Rule {
  checkOptions('a source', rule, ['pattern', 'driver', 'playlist']);
  const pattern = new Pattern(rule.pattern);
  const { driver } = rule;
  if (typeof driver?.start !== 'function' || typeof driver.stop !== 'function') {
    throw badOption('driver', 'one of processDriver(), httpDriver(), kubernetesDriver(), customDriver()', driver);
  }
  const playlist = playlistOf(rule.playlist);
  for (const name of [...(driver.placeholders ?? []), ...(playlist?.placeholders ?? [])]) {
    if (name === 'stream' || pattern.names.includes(name)) continue;
    throw badOption('pattern', `one that captures {${name}}, which its source uses`, rule.pattern);
  }
  return { pattern, driver, playlist };
}

function leaseOf(lease: SourceLease | undefined): SourceLease | undefined {
  const has = (verb: keyof SourceLease): boolean => typeof lease?.[verb] === 'function';
  if (lease === undefined || (has('acquire') && has('held') && has('release'))) return lease;
  throw badOption('lease', 'what fileLease() returns, or an object with acquire, held and release', lease);
}

/** Interprets these settings like other trackers: off unless "true", and half an hour if unreadable. */
function fromSession(options: SourcesOptions): number {
  const { session = {} } = options;
  checkOptions('session', session, ['enableAutoHibernation', 'defaultIdleTimeout']);
  const enabled = options['session.enableAutoHibernation'] ?? session.enableAutoHibernation;
  const timeout = options['session.defaultIdleTimeout'] ?? session.defaultIdleTimeout;
  // `true` would mean never, like all that is not exactly "true"
  checkSetting('session.enableAutoHibernation', enabled);
  checkSetting('session.defaultIdleTimeout', timeout);
  const isConfigured = options.session !== undefined || timeout !== undefined || enabled !== undefined;
  if (isConfigured && enabled !== 'true') return Infinity;
  return goDuration(timeout) ?? HALF_AN_HOUR;
}

function checkSetting(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw badOption(name, 'a text, such as "true" or "30m"', value);
}
