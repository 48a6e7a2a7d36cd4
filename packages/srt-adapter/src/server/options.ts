import { isIP } from 'node:net';
import type { Clock, SessionTracker } from '@stream-sessions/core';
import { badOption, checkOptions, CONNECTION_STALL_MS } from '@stream-sessions/core/spi';
import type { SrtBinding, SrtScreen } from '../binding/binding.js';
import { libsrt } from '../binding/libsrt.js';

/** Options of `createSrtServer()`. */
export interface SrtServerOptions {
  /** UDP port; 0 is a free one, which `server.port` then tells. */
  port: number;
  /** IP address to listen on. Default `::`, which is every address, of IPv4 too; `0.0.0.0` where there is no IPv6. */
  host?: string;
  /** Who publishes and watches is listed here, and asked about before media flows. Default: everybody may. */
  tracker?: SessionTracker;
  /** 10 to 79 characters, for all streams of this server. With it everything is encrypted. Default: nothing is. */
  passphrase?: string;
  /** Milliseconds in which lost packets can be sent again; the higher one of both sides counts. Default 120. */
  latencyMs?: number;
  /** Milliseconds of silence after which a peer is taken for gone. Default 5_000, and libsrt takes no less. */
  peerIdleTimeoutMs?: number;
  /** Milliseconds for which a player may lose packets because it is too slow, before it is `stalled`. Default 15_000; 0 = never. */
  stallTimeoutMs?: number;
  /**
   * Media that may wait for one slow player, in bytes, and of one publisher. Default 8 MiB: what is sent in a second, and in
   * the latency that the other side has asked for, has to have room. Beyond it packets are lost.
   */
  maxBufferBytes?: number;
  /**
   * Publishers and players at a time; who comes then is cut. Default 1_000. Each takes about half a megabyte of memory, and 100 at
   * 5 Mbit/s take half a core.
   */
  maxConnections?: number;
  /**
   * Puts the stream ids of encoders that have a form of their own into one that is understood here: it gets what the caller
   * sent, and returns an id, or nothing to refuse the caller. Default: ids are taken as they are. What it throws refuses too.
   */
  streamId?: (streamId: string) => string | undefined;
  /**
   * A first look at callers, in the middle of their handshake: return a reject reason (1401, 1403, 1402 …) to turn one away
   * with this word. Default: none. It cannot wait, and while it runs the port receives nothing: for short tests without
   * secrets to find out, for it is asked before the passphrase is. Policies decide later, with a tracker.
   */
  screen?: SrtScreen;
  /** Another way to SRT than the system's libsrt. Default `libsrt()`. */
  binding?: SrtBinding;
  /** Where the once-a-second readings take their time from. Default: the wall clock. */
  clock?: Clock;
}

type Optional = 'tracker' | 'passphrase' | 'clock' | 'host' | 'screen' | 'streamId';

/** Options with their defaults. */
export type ServerSettings = Readonly<Required<Omit<SrtServerOptions, Optional>> & Pick<SrtServerOptions, Optional>>;

const MIB = 1024 * 1024;

const KNOWN = [
  ...['port', 'host', 'tracker', 'passphrase', 'latencyMs', 'peerIdleTimeoutMs', 'stallTimeoutMs', 'maxBufferBytes'],
  ...['maxConnections', 'binding', 'clock', 'screen', 'streamId'],
];

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function settingsOf(options: SrtServerOptions): ServerSettings {
  checkOptions('createSrtServer()', options, KNOWN);
  const {
    latencyMs = 120,
    peerIdleTimeoutMs = 5_000,
    stallTimeoutMs = CONNECTION_STALL_MS,
    maxBufferBytes = 8 * MIB,
  } = options;
  const { port, host, passphrase, screen, streamId, maxConnections = 1_000, binding = libsrt() } = options;
  if (!isCount(port) || port > 65_535) throw badOption('port', 'a UDP port, 0 to 65535', port);
  if (host !== undefined && isIP(host) === 0) throw badOption('host', 'an IP address', host);
  if (passphrase !== undefined && !isPassphrase(passphrase)) {
    // what it is, is nobody's business
    const length = typeof passphrase === 'string' ? `one of ${Buffer.byteLength(passphrase)}` : passphrase;
    throw badOption('passphrase', 'a string of 10 to 79 bytes', length);
  }
  if (!isCount(latencyMs) || latencyMs > 60_000) throw badOption('latencyMs', 'milliseconds, 0 to 60000', latencyMs);
  if (!isCount(peerIdleTimeoutMs) || peerIdleTimeoutMs < 5_000) {
    throw badOption('peerIdleTimeoutMs', 'milliseconds, 5000 or more', peerIdleTimeoutMs);
  }
  if (!(stallTimeoutMs >= 0)) throw badOption('stallTimeoutMs', 'milliseconds, 0 or more', stallTimeoutMs);
  if (!isCount(maxBufferBytes) || maxBufferBytes < 65_536) {
    throw badOption('maxBufferBytes', 'bytes, at least 65536', maxBufferBytes);
  }
  if (!isCount(maxConnections) || maxConnections < 1) throw badOption('maxConnections', '1 or more', maxConnections);
  if (screen !== undefined && typeof screen !== 'function') throw badOption('screen', 'a function', screen);
  if (streamId !== undefined && typeof streamId !== 'function') throw badOption('streamId', 'a function', streamId);
  return { ...options, latencyMs, peerIdleTimeoutMs, stallTimeoutMs, maxBufferBytes, maxConnections, binding };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

const isPassphrase = (value: unknown): boolean =>
  typeof value === 'string' && Buffer.byteLength(value) >= 10 && Buffer.byteLength(value) <= 79;
