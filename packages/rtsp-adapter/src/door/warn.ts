import { faultWarner } from '@stream-sessions/core/spi';

/** Something of the server or of its user: nobody plays unjudged. */
export const warnOfFault = faultWarner('The RTSP adapter could not handle a request, and refused it');
