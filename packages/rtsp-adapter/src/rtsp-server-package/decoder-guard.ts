import type { Socket } from 'node:net';
import { destroyLater } from '@stream-sessions/core/spi';
import { warnOfFault } from '../warn.js';
import { RtspParser, RtspSyntaxError } from '../protocol/parser.js';
import type { RtspRequest } from '../protocol/request.js';
import { formatReply } from '../protocol/response.js';
import { Intake } from './intake.js';
import type { PackageDecoder, RtspServerPackage } from './shapes.js';

/** A connection that has not sent a complete request after this long is closed. Milliseconds. */
const START_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;

/**
 * Sits in front of the package's decoder, which ends the process on anything that is not a request, on `$` frames and on bodies
 * in two segments, and hangs on heads over 1024 bytes. The decoder gets only complete requests; interleaved data is emitted by
 * the socket as `interleaved` (channel, payload). Returns a function that removes the guard from future connections.
 */
export function guardDecoders(server: RtspServerPackage): () => void {
  const onConnection = (socket: Socket): void => guardSocket(server, socket);
  server.prependListener('connection', onConnection);
  return () => server.off('connection', onConnection);
}

/** The package pipes each socket to its decoder as soon as it is notified of it: that is when we step in between. */
function guardSocket(server: RtspServerPackage, socket: Socket): void {
  const pipe = socket.pipe.bind(socket);
  socket.pipe = ((target: NodeJS.WritableStream, options?: { end?: boolean }) => {
    delete (socket as Partial<Socket>).pipe; // the original is the prototype's
    if (!('_header' in target)) return pipe(target, options);
    feed(server, socket, target);
    return target;
  }) as Socket['pipe'];
}

function feed(server: RtspServerPackage, socket: Socket, decoder: PackageDecoder): void {
  const timer = setTimeout(() => socket.destroy(), START_TIMEOUT_MS).unref();
  const parser = new RtspParser({
    request: (request) => {
      clearTimeout(timer);
      intake.hand(asItLikes(decoder, request));
    },
    frame: (channel, payload) => void socket.emit('interleaved', channel, payload),
  });
  const read = (run: () => void): void => {
    if (socket.destroyed) return parser.stop();
    try {
      run();
    } catch (error) {
      parser.stop();
      if (!(error instanceof RtspSyntaxError)) warnOfFault(error);
      server.emit('clientError', error, socket);
      if (error instanceof RtspSyntaxError && socket.writable) {
        socket.write(formatReply({ status: error.status, text: error.message }, undefined));
      }
      hangUp(socket);
    }
  };
  const intake = new Intake(parser, socket, decoder, read);
  // The package never checks whether a machine is still there.
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.on('data', (chunk: Buffer) => read(() => parser.write(chunk)));
  socket.once('close', () => {
    clearTimeout(timer);
    parser.stop();
  });
}

/** Closes once pending data has been sent, or soon: a client that does not read would keep it open for ever. */
export function hangUp(socket: Socket): void {
  socket.end();
  destroyLater(socket);
}

/** In the form that the package handles best. */
function asItLikes(decoder: PackageDecoder, { method, uri, version, headers, body }: RtspRequest): Buffer {
  let head = `${method} ${uri} RTSP/${version}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n`), body]);
  // Its own buffer has room for 1024 bytes, and is reallocated for each request.
  if (bytes.length > 1024) decoder._header = Buffer.alloc(bytes.length);
  return bytes;
}
