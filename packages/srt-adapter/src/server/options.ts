import { isIP } from 'node:net';
import type { Clock, SessionTracker } from '@stream-sessions/core';
import {
  badOption,
  badSecret,
  checkClock,
  checkMethods,
  checkOptions,
  checkTimeout,
  CONNECTION_STALL_MS,
  needTracker,
} from '@stream-sessions/core/spi';
import type { SrtBinding, SrtHandshakeFilter } from '../binding/binding.js';
import { libsrt } from '../binding/libsrt.js';

/** Options of `createSrtServer()`. */
export interface SrtServerOptions {
  /** UDP port; 0 picks a free one: see `server.port`. */
  port: number;
  /** IP address to listen on. Default `::`, which is every address, including IPv4; `0.0.0.0` on a machine without IPv6. */
  host?: string | undefined;
  /** Lists publishers and players, and is asked before media flows. Default: none; everyone may play and publish. */
  tracker?: SessionTracker | undefined;
  /** 10 to 79 characters, for all streams of this server. Everything is encrypted with it. Default: nothing is encrypted. */
  passphrase?: string | undefined;
  /** Milliseconds within which lost packets can be retransmitted; the higher value of the two sides applies. Default 120. */
  latencyMs?: number | undefined;
  /** Milliseconds of silence after which a peer counts as gone. Default 5_000, the minimum that libsrt accepts. */
  peerIdleTimeoutMs?: number | undefined;
  /** How long a player may be too slow, losing packets, before it is `stalled`. Milliseconds; default 15_000; 0 = never. */
  stallTimeoutMs?: number | undefined;
  /**
   * How much media may wait for one slow player, or from one publisher, in bytes. Default 8 MiB. It has to hold what is sent
   * within a second, and within the latency that the other side requested. Beyond that, packets are lost.
   */
  maxBufferBytes?: number | undefined;
  /**
   * The maximum number of concurrent publishers and players; further callers are cut. Default 1_000. Each takes about half a
   * megabyte of memory, and 100 at 5 Mbit/s take half a core.
   */
  maxConnections?: number | undefined;
  /**
   * Translates the stream ids of encoders that have their own format: it gets what the caller sent, and returns an id in a
   * supported format, or nothing to refuse the caller. If it throws, the caller is refused. Default: ids are used as they are.
   */
  streamId?: ((streamId: string) => string | undefined) | undefined;
  /**
   * A first check of callers, during their handshake: return a reject reason (1401, 1403, 1402 …) to turn one away with it.
   * Default: none. It cannot wait, and while it runs the port receives nothing: use it for quick tests that reveal no secret,
   * because it is called before the passphrase is checked. Policies decide later, with a tracker.
   */
  screen?: SrtHandshakeFilter | undefined;
  /** An SRT binding other than the system's libsrt. Default `libsrt()`. */
  binding?: SrtBinding | undefined;
  /** The clock for the once-a-second readings. Default: the wall clock. */
  clock?: Clock | undefined;
}

type Optional = 'tracker' | 'passphrase' | 'clock' | 'host' | 'screen' | 'streamId';

/** Options with their defaults. */
export type ServerSettings = Readonly<Required<Omit<SrtServerOptions, Optional>> & Pick<SrtServerOptions, Optional>>;

const MIB = 1024 * 1024;
/** The largest value that an option of libsrt can have. */
const MAX_INT = 0x7fffffff;

const KNOWN = [
  ...['port', 'host', 'tracker', 'passphrase', 'latencyMs', 'peerIdleTimeoutMs', 'stallTimeoutMs', 'maxBufferBytes'],
  ...['maxConnections', 'binding', 'clock', 'screen', 'streamId'],
];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: SrtServerOptions): ServerSettings {
  checkOptions('createSrtServer()', options, KNOWN);
  if (options.tracker !== undefined) needTracker('createSrtServer(): the option "tracker"', options.tracker);
  const {
    latencyMs = 120,
    peerIdleTimeoutMs = 5_000,
    stallTimeoutMs = CONNECTION_STALL_MS,
    maxBufferBytes = 8 * MIB,
  } = options;
  const { port, host, passphrase, screen, streamId, maxConnections = 1_000, binding = libsrt(), clock } = options;
  if (!isCount(port) || port > 65_535) throw badOption('port', 'a UDP port, 0 to 65535', port);
  if (host !== undefined && isIP(host) === 0) throw badOption('host', 'an IP address', host);
  if (passphrase !== undefined && !isPassphrase(passphrase)) {
    throw badSecret('passphrase', 'a string of 10 to 79 bytes', passphrase);
  }
  if (!isCount(latencyMs) || latencyMs > 60_000) throw badOption('latencyMs', 'milliseconds, 0 to 60000', latencyMs);
  if (!isCount(peerIdleTimeoutMs) || peerIdleTimeoutMs < 5_000 || peerIdleTimeoutMs > MAX_INT) {
    throw badOption('peerIdleTimeoutMs', `whole milliseconds, 5000 to ${MAX_INT}`, peerIdleTimeoutMs);
  }
  checkTimeout('stallTimeoutMs', stallTimeoutMs);
  if (!isCount(maxBufferBytes) || maxBufferBytes < 65_536 || maxBufferBytes > MAX_INT) {
    throw badOption('maxBufferBytes', `whole bytes, 65536 to ${MAX_INT}`, maxBufferBytes);
  }
  if (!isCount(maxConnections) || maxConnections < 1) throw badOption('maxConnections', '1 or more', maxConnections);
  if (screen !== undefined && typeof screen !== 'function') throw badOption('screen', 'a function', screen);
  if (streamId !== undefined && typeof streamId !== 'function') throw badOption('streamId', 'a function', streamId);
  checkMethods('binding', binding, ['listen']);
  checkClock(clock);
  return { ...options, latencyMs, peerIdleTimeoutMs, stallTimeoutMs, maxBufferBytes, maxConnections, binding };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

const isPassphrase = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) >= 10 && Buffer.byteLength(value) <= 79;
