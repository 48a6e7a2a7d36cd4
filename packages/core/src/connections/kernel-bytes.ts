/**
 * How much of the written data the kernel has taken. Node's public API does not tell, and what is public proves nothing once a
 * socket is destroyed (`writableFinished` turns true, write callbacks run). These internals of Node have been stable for many
 * years; each of them may be missing, in which case the count is one write less exact, but never too low.
 */
import type { Writable } from 'node:stream';

interface StreamHandle {
  /** Bytes given to libuv … */
  readonly bytesWritten?: number;
  /** … and those that the kernel has not taken yet. */
  readonly writeQueueSize?: number;
  /** TLS: the underlying TCP handle. */
  readonly _parent?: StreamHandle;
}

/** The parts of a socket or HTTP/2 stream that are read here. */
export interface WritableInternals extends Pick<Writable, 'writableLength'> {
  /** True for TLS. */
  readonly encrypted?: boolean;
  readonly _handle?: StreamHandle | null;
  readonly _writableState?: { readonly writelen?: number };
}

/** TLS adds at least 21 bytes to a record of at most 16 KiB. */
const TLS_RECORD = 16_384;
const TLS_OVERHEAD = 21;

/** The write in progress, some of which may have gone out. Unknown counts as gone, because counting too little is worse. */
export const beingWritten = (outlet: WritableInternals): number =>
  outlet._writableState?.writelen ?? outlet.writableLength;

/** Bytes handed to the stream that Node still holds: neither written nor being written. */
export const heldBack = (outlet: WritableInternals): number => outlet.writableLength - beingWritten(outlet);

/**
 * The part of the write in progress that the kernel has not taken, for a plain TCP socket. Undefined for TLS, HTTP/2 and anything
 * but TCP.
 */
export function queuedInTcp(outlet: WritableInternals): number | undefined {
  return outlet.encrypted === true ? undefined : outlet._handle?.writeQueueSize;
}

/**
 * Payload bytes that this connection's kernel can have taken so far, never too few: only the minimum that TLS adds to each record
 * is subtracted. Undefined if the connection does not say.
 */
export const takenByKernel = (socket: WritableInternals): number | undefined => payloadOf(socket, false);

/** The same, with what still waits for the kernel: all of it goes out unless the connection ends. */
export const givenToKernel = (socket: WritableInternals): number | undefined => payloadOf(socket, true);

function payloadOf(socket: WritableInternals, withQueue: boolean): number | undefined {
  const handle = socket._handle;
  const tcp = socket.encrypted === true ? handle?._parent : handle;
  if (tcp?.bytesWritten === undefined || tcp.writeQueueSize === undefined) return undefined;
  const bytes = withQueue ? tcp.bytesWritten : tcp.bytesWritten - tcp.writeQueueSize;
  return socket.encrypted === true ? Math.ceil((bytes * TLS_RECORD) / (TLS_RECORD + TLS_OVERHEAD)) : bytes;
}
