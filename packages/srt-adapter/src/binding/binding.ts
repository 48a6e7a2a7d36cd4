import type { SrtAddress } from './address.js';
import type { SrtStatistics } from './statistics.js';

/** Where and how to listen. */
export interface SrtListenOptions {
  /** IP address; `::` is every address, including IPv4. */
  readonly host: string;
  /** UDP port; 0 picks a free one. */
  readonly port: number;
  /** 10 to 79 characters: everything is encrypted, and callers with another passphrase, or none, are refused. */
  readonly passphrase?: string | undefined;
  /** Milliseconds within which lost packets can be retransmitted. */
  readonly latencyMs: number;
  /** Milliseconds of silence after which a peer counts as gone. */
  readonly peerIdleTimeoutMs: number;
  /** How many bytes may wait for one slow player, or from one publisher. */
  readonly maxBufferBytes: number;
  /** Called for every caller before it is admitted. */
  readonly screen?: SrtHandshakeFilter | undefined;
}

/**
 * The first check of a caller, during its handshake: a reject reason such as 1403 turns it away with that reason, undefined
 * lets it continue. If it throws, the caller is turned away.
 */
export type SrtHandshakeFilter = (caller: SrtCaller) => number | undefined;

/** A caller that asks to be admitted. Nothing about it is verified yet, not even whether it knows the passphrase. */
export interface SrtCaller {
  readonly streamId: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Accepts callers until it is closed. */
export interface SrtListener {
  readonly address: SrtAddress;
  /**
   * Stops accepting callers; existing connections are left alone. Resolves when the library has released everything. Idempotent.
   */
  close(): Promise<void>;
}

/** One connection, as the transport sees it: no streams, no viewers. */
export interface SrtSocket {
  /** What the caller sent as its stream id, at most 512 bytes. Undefined if that is not text. */
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The version of the peer's libsrt, such as `1.5.1`. */
  readonly peerVersion: string;
  /** Encrypted. */
  readonly secure: boolean;
  /** Gives a packet of at most 1,316 bytes to the library, which copies it. False: it was not accepted. Never throws. */
  send(packet: Uint8Array): boolean;
  /**
   * Starts reading; a second call replaces the first. A packet is valid only during the call: its memory is reused for the
   * next one.
   */
  read(onPacket: (packet: Uint8Array) => void): void;
  /** Instead of reading, for peers that have nothing to send: calls back within a second if one sends something. */
  expectSilence(onBroken: () => void): void;
  /** Called once, when the peer has gone or the connection broke; not after `close()`. */
  onClose(gone: () => void): void;
  /** Undefined once it is closed. */
  statistics(): SrtStatistics | undefined;
  /** Closes it at once. Idempotent. */
  close(): void;
}

/**
 * The part of SRT that the relay needs. `libsrt()` uses the system's library; provide your own to use something else, such as an
 * addon.
 */
export interface SrtBinding {
  /**
   * Starts listening, and passes on each established connection.
   *
   * @throws StreamSessionsError ERR_SRT_UNAVAILABLE, ERR_SRT_LISTEN
   */
  listen(options: SrtListenOptions, onSocket: (socket: SrtSocket) => void): SrtListener;
}
