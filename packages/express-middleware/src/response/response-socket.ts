import type { Writable } from 'node:stream';
import type { WritableInternals } from '@stream-sessions/core/spi';

/** What carries responses: the socket with HTTP/1, a stream with HTTP/2. */
export type ResponseSocket = WritableInternals & Pick<Writable, 'destroyed' | 'destroy' | 'on'>;

/** The progress within a write matters only above this size; writes of file servers are at most this long. Bytes. */
export const LARGE_WRITE = 65_536;
