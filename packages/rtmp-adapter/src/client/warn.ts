import { warnOnce } from '@stream-sessions/core/spi';

/** Something from the server was unexpected: nobody may play without having been judged. */
export const warnOfFault = warnOnce('The RTMP adapter could not handle a connection, and cut it');
