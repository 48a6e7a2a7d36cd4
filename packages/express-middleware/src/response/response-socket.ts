import type { Writable } from 'node:stream';
import type { WritableInternals } from '@stream-sessions/core/spi';

/** What carries responses: the socket of HTTP/1, a stream of HTTP/2. */
export type ResponseSocket = WritableInternals & Pick<Writable, 'destroyed' | 'destroy' | 'on'>;

/** How far a larger write has come matters; a file server's are at most this long. Bytes. */
export const LARGE_WRITE = 65_536;
