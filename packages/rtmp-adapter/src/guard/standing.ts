import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Role } from './rtmp-scanner.js';

/** The server's own view of one RTMP connection, independent of what was parsed here. */
export interface Standing {
  readonly role: Role;
  /** Bytes that its parser holds for messages of this connection. */
  readonly heldBytes: number;
  /** Bytes from a publisher have come in: what is kept for newcomers has grown, and is bounded. */
  grew(bytes: number): void;
}

/** Finds the standing of a connection once the server has reported it. */
export interface Standings {
  of: (socket: Socket) => Standing | undefined;
  /** Stops watching. */
  remove(): void;
}

/** What the server's parser keeps for each chunk stream. */
export type ParserPackets = ReadonlyMap<number, { readonly capacity: number }>;

export function capacityOf(packets: ParserPackets): number {
  let bytes = 0;
  for (const { capacity } of packets.values()) bytes += capacity;
  return bytes;
}

type Listener = Parameters<EventEmitter['on']>[1];

/** Listens before all other listeners. Returns a function that stops it. */
export function hearFirst(emitter: EventEmitter, events: string[], listener: Listener): () => void {
  for (const event of events) emitter.prependListener(event, listener);
  return () => events.forEach((event) => emitter.off(event, listener));
}

const MAX_FIELDS = 32;
const MAX_FIELD_LENGTH = 4096;

/** The server keeps everything that a client sent in `connect`: removes objects and long texts from it. */
export function trim(said: object | undefined): void {
  if (said === undefined || said === null) return;
  const fields = said as Record<string, unknown>;
  let kept = 0;
  for (const [name, value] of Object.entries(fields)) {
    const isShort = typeof value === 'string' ? value.length <= MAX_FIELD_LENGTH : typeof value !== 'object';
    if (isShort && name.length <= MAX_FIELD_LENGTH && kept < MAX_FIELDS) kept++;
    else Reflect.deleteProperty(fields, name);
  }
}
