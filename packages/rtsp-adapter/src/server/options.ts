import type { TlsOptions } from 'node:tls';
import type { Clock, SourceGate } from '@stream-sessions/core';
import {
  badOption,
  checkBytes,
  checkClock,
  checkOptions,
  checkTimeout,
  CONNECTION_STALL_MS,
} from '@stream-sessions/core/spi';
import type { RtspAuthorize } from '../client/callback-authorizer.js';
import type { AuthScheme } from '../protocol/authorization.js';
import type { PortRange } from './udp-pair.js';

/** Options of the server itself: everything but the tracker. */
export interface RelayOptions {
  /** Called before a client plays or publishes. Only without a tracker: with one, write a policy. Default: everyone may. */
  authorize?: RtspAuthorize | undefined;
  /** Where `listen()` listens by default. Default 554, with TLS 322; 0 = any free port. */
  port?: number | undefined;
  /** The address it listens on. Default: all. */
  host?: string | undefined;
  /** Key and certificate, as for `tls.createServer`: `listen()` then speaks RTSPS. Default: plain RTSP. */
  tls?: TlsOptions | undefined;
  /** Named in the challenge of a 401. Default `stream-sessions`. */
  realm?: string | undefined;
  /** How clients may authenticate, best first. Default `['digest', 'basic']`. */
  authentication?: readonly AuthScheme[] | undefined;
  /** UDP ports of this server for media, `[first, last]`. Default: whatever is free. False: TCP only. */
  udpPorts?: PortRange | false | undefined;
  /**
   * A connection that neither plays nor publishes by then is closed, whatever it sends meanwhile. Milliseconds; default 10_000; 0
   * = never.
   */
  startTimeoutMs?: number | undefined;
  /**
   * Announced to clients. Publishers, and players over UDP, that are not heard from for this long are ended as `client_gone`; so
   * are players over TCP that used to report, after 25_000 at the earliest. Milliseconds; default 60_000.
   */
  sessionTimeoutMs?: number | undefined;
  /**
   * A player that takes nothing for this long while media is waiting for it is cut as `stalled`. Milliseconds; default 15_000; 0
   * = never.
   */
  stallTimeoutMs?: number | undefined;
  /** How much media may wait for one slow player, in bytes. Default 4 MiB. Beyond it, the player misses packets. */
  maxBufferBytes?: number | undefined;
  /**
   * `ready` of `createSources()`: a player whose stream is not published is held at DESCRIBE until the source has started, and
   * gets 503 if it does not start in time. Default: 404 at once.
   */
  ready?: SourceGate | undefined;
  /** The clock for timeouts. Default: the wall clock. */
  clock?: Clock | undefined;
}

/** Options with their defaults. */
export type RelaySettings = Readonly<
  Required<Omit<RelayOptions, 'authorize' | 'port' | 'host' | 'tls' | 'ready' | 'clock' | 'udpPorts'>> &
    Pick<RelayOptions, 'authorize' | 'port' | 'host' | 'tls' | 'ready' | 'clock'>
> & { readonly udp: boolean; readonly udpPorts: PortRange | undefined };

export const RELAY_OPTIONS = [
  'authorize',
  'port',
  'host',
  'tls',
  'realm',
  'authentication',
  'udpPorts',
  'startTimeoutMs',
  'sessionTimeoutMs',
  'stallTimeoutMs',
  'maxBufferBytes',
  'ready',
  'clock',
];

const MIB = 1024 * 1024;
const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1024 && Number(value) <= 65_535;

const isRange = (range: unknown): boolean =>
  Array.isArray(range) && range.length === 2 && range.every(isPort) && Number(range[1]) > Number(range[0]);

/**
 * Null, of a key that was not found, would be plain RTSP where somebody meant to encrypt. False says so.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkTls(tls: TlsOptions | false | undefined): void {
  if (tls === undefined || tls === false || (typeof tls === 'object' && tls !== null)) return;
  throw badOption('tls', 'key and certificate, as for tls.createServer()', tls);
}

/**
 * Node takes null and '' for all addresses, where somebody meant to name one.
 *
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function checkHost(host: unknown): void {
  if (host === undefined || (typeof host === 'string' && host !== '')) return;
  throw badOption('host', 'an address or a name', host);
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function relaySettings(what: string, options: RelayOptions): RelaySettings {
  checkOptions(what, options, RELAY_OPTIONS);
  const { authorize, port, host, tls, ready, clock, udpPorts } = options;
  const { realm = 'stream-sessions', authentication = ['digest', 'basic'] } = options;
  const { startTimeoutMs = 10_000, sessionTimeoutMs = 60_000, stallTimeoutMs = CONNECTION_STALL_MS } = options;
  const { maxBufferBytes = 4 * MIB } = options;
  if (authorize !== undefined && typeof authorize !== 'function') throw badOption('authorize', 'a function', authorize);
  if (ready !== undefined && typeof ready?.manages !== 'function') throw badOption('ready', '`sources.ready`', ready);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port < 65_536)) {
    throw badOption('port', 'a port', port);
  }
  checkHost(host);
  checkTls(tls);
  if (typeof realm !== 'string' || !/^[\w .@/:-]{1,64}$/.test(realm))
    throw badOption('realm', 'a few words without quotes', realm);
  const known = (scheme: string): boolean => scheme === 'digest' || scheme === 'basic';
  if (!Array.isArray(authentication) || authentication.length === 0 || !authentication.every(known)) {
    throw badOption('authentication', "a list of 'digest' and 'basic'", authentication);
  }
  if (udpPorts !== undefined && udpPorts !== false && !isRange(udpPorts)) {
    throw badOption('udpPorts', '[first, last] above 1023, or false', udpPorts);
  }
  checkTimeout('startTimeoutMs', startTimeoutMs);
  checkTimeout('sessionTimeoutMs', sessionTimeoutMs, 1000);
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  checkBytes('maxBufferBytes', maxBufferBytes, 65_536);
  checkClock(clock);
  return {
    authorize,
    port,
    host,
    tls,
    clock,
    realm,
    authentication,
    startTimeoutMs,
    sessionTimeoutMs,
    stallTimeoutMs,
    maxBufferBytes,
    ready,
    udp: udpPorts !== false,
    udpPorts: udpPorts === false ? undefined : udpPorts,
  };
}
