import type { SrtAddress } from './address.js';
import type { SrtStatistics } from './statistics.js';

/** Where and how to listen. */
export interface SrtListenOptions {
  /** IP address; `::` is every address, of IPv4 too. */
  readonly host: string;
  /** UDP port; 0 is a free one. */
  readonly port: number;
  /** 10 to 79 characters: everything is encrypted, and who has another one, or none, is not let in. */
  readonly passphrase?: string | undefined;
  /** Milliseconds in which lost packets can be sent again. */
  readonly latencyMs: number;
  /** Milliseconds of silence after which a peer is taken for gone. */
  readonly peerIdleTimeoutMs: number;
  /** Bytes that may wait for one slow player, and of one publisher. */
  readonly maxBufferBytes: number;
  /** Asked about every caller before it is let in. */
  readonly screen?: SrtScreen | undefined;
}

/**
 * The first look at a caller, in the middle of its handshake: a reject reason such as 1403 turns it away with this word, and
 * undefined lets it go on. What it throws turns it away too.
 */
export type SrtScreen = (caller: SrtStranger) => number | undefined;

/** Who asks to be let in. Nothing is proven: not even whether it knows the passphrase. */
export interface SrtStranger {
  readonly streamId: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Callers in, until it is closed. */
export interface SrtListener {
  readonly address: SrtAddress;
  /** Nobody is let in any more; connections are left alone. Resolves when the library has let go of all. Harmless twice. */
  close(): Promise<void>;
}

/** One connection, as the transport sees it: no streams, no viewers. */
export interface SrtSocket {
  /** What the caller sent as its stream id, at most 512 bytes. Undefined when that is no text. */
  readonly streamId: string | undefined;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Of the peer's libsrt, such as `1.5.1`. */
  readonly peerVersion: string;
  /** Encrypted. */
  readonly secure: boolean;
  /** Gives a packet of at most 1,316 bytes to the library, which copies it. False: it was not taken. Never throws. */
  send(packet: Uint8Array): boolean;
  /**
   * Starts reading; a second call takes the place of the first. A packet is only there during the call: its memory is used
   * again for the next.
   */
  read(onPacket: (packet: Uint8Array) => void): void;
  /** Instead of reading, for who has nothing to say: called when something has come from it, within a second at the latest. */
  expectSilence(onBroken: () => void): void;
  /** Called once, when the peer has gone or the connection broke; not after `close()`. */
  onClose(gone: () => void): void;
  /** Undefined when it is closed. */
  statistics(): SrtStatistics | undefined;
  /** Ends it, at once. Harmless twice. */
  close(): void;
}

/**
 * SRT itself, as far as the relay needs it. `libsrt()` is the one over the system's library; bring your own to take another
 * way to it, such as an addon.
 */
export interface SrtBinding {
  /**
   * Listens from now on, and hands over each connection that has come about.
   *
   * @throws StreamSessionsError ERR_SRT_UNAVAILABLE, ERR_SRT_LISTEN
   */
  listen(options: SrtListenOptions, onSocket: (socket: SrtSocket) => void): SrtListener;
}
