import type { Socket } from 'node:net';
import { normaliseAddress } from '@stream-sessions/core/spi';

/** A connection of the server, as its roles see it. */
export interface Peer {
  readonly socket: Socket;
  /** The client's address; media over UDP is sent nowhere else. */
  readonly address: string;
  /** Our own address, as this client sees it. */
  readonly localAddress: string;
  readonly secure: boolean;
  /** The client has shown a sign of life, by whatever means. */
  heard(): void;
}

/** Both addresses of a socket; undefined if it has already gone. */
export function addressesOf(socket: Socket): { address: string; localAddress: string } | undefined {
  const { remoteAddress, localAddress } = socket;
  if (remoteAddress === undefined || localAddress === undefined) return undefined;
  return { address: normaliseAddress(remoteAddress), localAddress: normaliseAddress(localAddress) };
}
