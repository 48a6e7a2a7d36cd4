import type { Socket } from 'node:net';
import { normaliseAddress } from '@stream-sessions/core/spi';

/** A connection of the server, as its roles see it. */
export interface Peer {
  readonly socket: Socket;
  /** Of the client; media over UDP goes nowhere else. */
  readonly address: string;
  /** Our own address, as this client sees it. */
  readonly localAddress: string;
  readonly secure: boolean;
  /** The client was heard of, on whatever way. */
  heard(): void;
}

/** Both ends of a socket; undefined when it has gone already. */
export function addressesOf(socket: Socket): { address: string; localAddress: string } | undefined {
  const { remoteAddress, localAddress } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  return { address: normaliseAddress(remoteAddress), localAddress: normaliseAddress(localAddress) };
}
