import { SrtRelay } from './relay.js';
import { settingsOf, type SrtServerOptions } from './options.js';
import type { SrtAddress } from '../binding/address.js';
import type { SrtConnection, SrtSource } from '../source.js';
import type { SrtRelayConnection } from './connection.js';
import { attachSrt } from '../attach/attach-srt.js';

/** A relay: what publishers send goes to the players of the same stream. */
export interface SrtServer extends SrtSource {
  /** The UDP port it listens on. */
  readonly port: number;
  /** Where it listens. */
  address(): SrtAddress;
  /** Who publishes and plays now, and who waits to be let in. */
  connections(): SrtRelayConnection[];
  /** A caller has connected, and no media has flown: `hold()` it, or `close()` it, if it is not to play yet, or at all. */
  on(event: 'connection', listener: (connection: SrtRelayConnection) => void): this;
  on(event: 'connection', listener: (connection: SrtConnection) => void): this;
  on(event: 'closing', listener: () => void): this;
  /** Ends everybody, and resolves when the port is free and libsrt has been cleaned up. At any moment; harmless twice. */
  close(): Promise<void>;
}

/**
 * Listens for SRT callers, and relays publishers (`m=publish`) to players (`m=request`, or a bare name) by their stream ids:
 * `#!::r=live/cam1,m=publish,t=token` or `live/cam1?token=…`. With a tracker everybody is listed and asked about.
 *
 * ```ts
 * const server = createSrtServer({ tracker, port: 9000 });
 * ```
 *
 * @throws StreamSessionsError ERR_SRT_UNAVAILABLE without libsrt, ERR_SRT_LISTEN for a port that is taken, ERR_BAD_OPTION
 */
export function createSrtServer(options: SrtServerOptions): SrtServer {
  const settings = settingsOf(options);
  const relay = new SrtRelay(settings);
  const { tracker, stallTimeoutMs, clock } = settings;
  if (tracker !== undefined) attachSrt(relay, tracker, { stallTimeoutMs, ...(clock && { clock }) });
  return relay;
}
