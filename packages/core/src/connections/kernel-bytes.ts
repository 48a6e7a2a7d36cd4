/**
 * What the kernel has taken of what was written. That is not in Node's public API, and what is public proves nothing once a
 * socket is destroyed (`writableFinished` turns true, write callbacks run). These parts of Node have been where they are for
 * many years; each may be missing, and then the count is one write less exact, never too low.
 */
import type { Writable } from 'node:stream';

interface StreamHandle {
  /** Bytes given to libuv … */
  readonly bytesWritten?: number;
  /** … and those of them that the kernel has not taken yet. */
  readonly writeQueueSize?: number;
  /** TLS: the TCP handle below. */
  readonly _parent?: StreamHandle;
}

/** A socket or HTTP/2 stream, as far as it is read here. */
export interface WritableInternals extends Pick<Writable, 'writableLength'> {
  /** True for TLS. */
  readonly encrypted?: boolean;
  readonly _handle?: StreamHandle | null;
  readonly _writableState?: { readonly writelen?: number };
}

/** TLS adds at least 21 bytes to a record of at most 16 KiB. */
const TLS_RECORD = 16_384;
const TLS_OVERHEAD = 21;

/** The write in progress: some of it may have gone. Unknown counts as gone, because counting too little is worse. */
export const beingWritten = (outlet: WritableInternals): number =>
  outlet._writableState?.writelen ?? outlet.writableLength;

/** Bytes handed to the stream that Node still holds: neither written nor being written. */
export const heldBack = (outlet: WritableInternals): number => outlet.writableLength - beingWritten(outlet);

/** The part of the write in progress that a plain TCP socket's kernel has not taken. Undefined: TLS, HTTP/2, no TCP. */
export function queuedInTcp(outlet: WritableInternals): number | undefined {
  return outlet.encrypted === true ? undefined : outlet._handle?.writeQueueSize;
}

/**
 * Bytes of payload that this connection's kernel can have taken so far, never too few: only the minimum that TLS adds to
 * each record is subtracted. Undefined if the connection does not say.
 */
export function takenByKernel(socket: WritableInternals): number | undefined {
  const handle = socket._handle;
  const tcp = socket.encrypted === true ? handle?._parent : handle;
  if (tcp?.bytesWritten === undefined || tcp.writeQueueSize === undefined) return undefined;
  const bytes = tcp.bytesWritten - tcp.writeQueueSize;
  return socket.encrypted === true ? Math.ceil((bytes * TLS_RECORD) / (TLS_RECORD + TLS_OVERHEAD)) : bytes;
}
