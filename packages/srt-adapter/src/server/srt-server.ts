import type { SrtAddress } from '../binding/address.js';
import type { SrtConnection, SrtSource } from '../source.js';
import type { SrtRelayConnection } from './connection.js';

/** A relay: what publishers send goes to the players of the same stream. */
export interface SrtServer extends SrtSource {
  /** The UDP port it listens on. */
  readonly port: number;
  /** The address it listens on. */
  address(): SrtAddress;
  /** The clients that are publishing and playing, and those waiting to be admitted. */
  connections(): SrtRelayConnection[];
  /** A caller has connected; no media has flowed yet. `hold()` it if it should not play yet, `close()` it if not at all. */
  on(event: 'connection', listener: (connection: SrtRelayConnection) => void): this;
  on(event: 'connection', listener: (connection: SrtConnection) => void): this;
  on(event: 'closing', listener: () => void): this;
  /** Closes all connections, and resolves when the port is free and libsrt has been cleaned up. Idempotent. */
  close(): Promise<void>;
}
