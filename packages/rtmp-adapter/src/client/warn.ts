import { warnOnce } from '@stream-sessions/core/spi';

/** Something in what the server gave us: nobody plays unjudged. */
export const warnOfFault = warnOnce('The RTMP adapter could not handle a connection, and cut it');
