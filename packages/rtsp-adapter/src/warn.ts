import { warnOnce } from '@stream-sessions/core/spi';

/** Something of the server or of its user: nobody plays unjudged. */
export const warnOfFault = warnOnce('The RTSP adapter could not handle a request, and refused it');

/** Streams that were warned of. Their names are chosen by who publishes: beyond this many, nobody is told of more. */
const MAX_WARNED = 100;
const warned = new Set<string>();

/** A part of a stream is not there for its players: told once for each name, for an encoder that reconnects says the same again. */
export function warnOfLeftOut(stream: string, what: string): void {
  if (warned.has(stream) || warned.size >= MAX_WARNED) return;
  warned.add(stream);
  process.emitWarning(
    `The RTSP stream ${JSON.stringify(stream)} is relayed without a part of what its publisher announced: ${what} of its SDP`,
    { code: 'STREAM_SESSIONS_SDP_LEFT_OUT' },
  );
}
