import { faultWarner } from '@stream-sessions/core/spi';

/** Something in what the server gave us: nobody plays unjudged. */
export const warnOfFault = faultWarner('The RTMP adapter could not handle a connection, and cut it');
