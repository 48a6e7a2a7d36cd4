import { faultWarner } from '@stream-sessions/core/spi';

/** Something while a caller was judged: nobody plays unjudged. */
export const warnOfFault = faultWarner('The SRT adapter could not judge a caller, and cut it');
