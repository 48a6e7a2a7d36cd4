import type { SrtAddress } from '../binding/address.js';
import type { SrtConnection, SrtSource } from '../source.js';
import type { SrtRelayConnection } from './connection.js';

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
