import { X509Certificate } from 'node:crypto';
import { StreamSessionsError, type Clock } from '@stream-sessions/core';
import { badOption, checkOptions, systemClock } from '@stream-sessions/core/spi';
import { checkPositive } from '../support/checks.js';
import { checkKeyPrefix } from './redis-storage.js';

/** TLS to Redis, and to its Sentinels. At least version 1.2. */
export interface RedisTlsConfig {
  /** The certificate authority of the server, as PEM. Default: those that Node knows. */
  caCert?: string | Buffer | undefined;
  /** Accepts any certificate; default false. For tests. */
  insecureSkipVerify?: boolean | undefined;
}

/** Redis behind Sentinel. */
export interface SentinelConfig {
  masterName: string;
  /** `host:port` of some of the Sentinels. */
  sentinelAddrs: readonly string[];
  /** Credentials of the Sentinels, if they require any; those of Redis are not sent to them. */
  username?: string | undefined;
  password?: string | undefined;
}

/** Where Redis is, and how to connect to it. */
export interface RedisConfig {
  /** `host:port` of a standalone server. Either this or `sentinel`. */
  addr?: string | undefined;
  sentinel?: SentinelConfig | undefined;
  /** ACL user. Default: the user `default`. */
  username?: string | undefined;
  password?: string | undefined;
  /** Database; default 0. */
  db?: number | undefined;
  /** Precedes every key, and ends with `:`, such as `tv:session:`. */
  keyPrefix: string;
  /** TTL of the sessions, in milliseconds. Default: that of the manager. */
  ttlMs?: number | undefined;
  /** Time limit for connecting, in milliseconds; default 5,000. */
  dialTimeoutMs?: number | undefined;
  /**
   * Time limits for a reply and for writing a command, in milliseconds; default 3,000 each. A command may take the sum of both.
   */
  readTimeoutMs?: number | undefined;
  writeTimeoutMs?: number | undefined;
  /** Absent: no TLS. */
  tls?: RedisTlsConfig | undefined;
  /** The source of time for limits. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** A parsed `host:port`. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface RedisSettings {
  readonly address: Address | undefined;
  readonly sentinel: (Omit<SentinelConfig, 'sentinelAddrs'> & { readonly addresses: readonly Address[] }) | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly keyPrefix: string;
  readonly ttlMs: number | undefined;
  readonly dialTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly tls: RedisTlsOptions | undefined;
  readonly clock: Clock;
}

export interface RedisTlsOptions {
  readonly minVersion: 'TLSv1.2';
  readonly rejectUnauthorized: boolean;
  readonly ca?: string | Buffer | undefined;
}

// prettier-ignore
const NAMES = ['addr', 'sentinel', 'username', 'password', 'db', 'keyPrefix', 'ttlMs', 'dialTimeoutMs', 'readTimeoutMs',
  'writeTimeoutMs', 'tls', 'clock'];

const bad = (what: string, cause?: unknown): StreamSessionsError =>
  new StreamSessionsError('ERR_BAD_OPTION', `connectRedis(): invalid redis configuration: ${what}.`, { cause });

/** @throws StreamSessionsError ERR_BAD_OPTION, which names the field */
export function redisSettingsOf(config: RedisConfig): RedisSettings {
  checkOptions('connectRedis()', config, NAMES);
  const { addr, sentinel, db = 0, keyPrefix, ttlMs, tls, clock = systemClock } = config;
  const { dialTimeoutMs = 5_000, readTimeoutMs = 3_000, writeTimeoutMs = 3_000 } = config;
  if (addr !== undefined && sentinel !== undefined) throw bad('"addr" and "sentinel" are mutually exclusive');
  if (addr === undefined && sentinel === undefined) throw bad('one of "addr" and "sentinel" must be set');
  const username = credential('username', config.username);
  const password = credential('password', config.password);
  if (username !== undefined && password === undefined) throw bad('"password" is required with "username"');
  if (!Number.isInteger(db) || db < 0) throw badOption('db', 'a whole number from 0', db);
  checkKeyPrefix(keyPrefix);
  if (ttlMs !== undefined) checkPositive('ttlMs', ttlMs);
  checkPositive('dialTimeoutMs', dialTimeoutMs);
  checkPositive('readTimeoutMs', readTimeoutMs);
  checkPositive('writeTimeoutMs', writeTimeoutMs);
  return {
    address: addr === undefined ? undefined : addressOf('addr', addr),
    sentinel: sentinel && sentinelOf(sentinel),
    username,
    password,
    db,
    keyPrefix,
    ttlMs,
    dialTimeoutMs,
    commandTimeoutMs: readTimeoutMs + writeTimeoutMs,
    tls: tls && tlsOf(tls),
    clock,
  };
}

function sentinelOf(sentinel: SentinelConfig): NonNullable<RedisSettings['sentinel']> {
  checkOptions('connectRedis(): sentinel', sentinel, ['masterName', 'sentinelAddrs', 'username', 'password']);
  const { masterName, sentinelAddrs } = sentinel;
  if (typeof masterName !== 'string' || masterName === '') throw bad('"sentinel.masterName" is required');
  if (!Array.isArray(sentinelAddrs) || sentinelAddrs.length === 0)
    throw bad('"sentinel.sentinelAddrs" must not be empty');
  const username = credential('sentinel.username', sentinel.username);
  const password = credential('sentinel.password', sentinel.password);
  const addresses = sentinelAddrs.map((addr, i) => addressOf(`sentinel.sentinelAddrs[${i}]`, addr));
  return { masterName, addresses, ...(username && { username }), ...(password && { password }) };
}

/** `host:port`, `[::1]:6379`, or a host on port 6379. */
function addressOf(name: string, addr: unknown): Address {
  const found = typeof addr === 'string' ? /^(?:\[([^\]]+)\]|([^:\s/@]+))(?::(\d{1,5}))?$/.exec(addr) : null;
  const port = Number(found?.[3] ?? 6379);
  if (found === null || port < 1 || port > 65_535) throw badOption(name, '"host:port"', addr);
  return { host: found[1] ?? (found[2] as string), port };
}

/** The value is never shown: it may be a password in the wrong place. */
function credential(name: string, value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw bad(`"${name}" must be a string`);
  return value;
}

function tlsOf(tls: RedisTlsConfig): RedisTlsOptions {
  checkOptions('connectRedis(): tls', tls, ['caCert', 'insecureSkipVerify']);
  const { caCert, insecureSkipVerify = false } = tls;
  const options = { minVersion: 'TLSv1.2', rejectUnauthorized: !insecureSkipVerify } as const;
  if (caCert === undefined) return options;
  try {
    new X509Certificate(caCert);
  } catch (cause) {
    throw bad('"tls.caCert" is not a certificate in PEM', cause);
  }
  return { ...options, ca: caCert };
}
