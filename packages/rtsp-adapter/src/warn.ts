import { warnOnce } from '@stream-sessions/core/spi';

/** Something from the server or its user was unexpected: nobody may play without having been judged. */
export const warnOfFault = warnOnce('The RTSP adapter could not handle a request, and refused it');

/** Streams that were warned about. Publishers choose their names, so beyond this many there are no further warnings. */
const MAX_WARNED = 100;
const warned = new Set<string>();

/** A part of a stream is missing for its players: warns once per name, because a reconnecting encoder causes the same again. */
export function warnOfLeftOut(stream: string, what: string): void {
  if (warned.has(stream) || warned.size >= MAX_WARNED) return;
  warned.add(stream);
  process.emitWarning(
    `The RTSP stream ${JSON.stringify(stream)} is relayed without a part of what its publisher announced: ${what} of its SDP`,
    { code: 'STREAM_SESSIONS_SDP_LEFT_OUT' },
  );
}
