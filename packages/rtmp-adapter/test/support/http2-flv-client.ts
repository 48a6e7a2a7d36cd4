import { connect, constants, type ClientHttp2Session } from 'node:http2';

/** A connection that others may share. */
export function connectHttp2(port: number): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => undefined);
  return session;
}

/** A player of FLV on one stream of an HTTP/2 connection. */
export class Http2FlvClient {
  answer = 0;
  body = '';
  bytes = 0;
  ended = false;
  private readonly stream;

  constructor(session: ClientHttp2Session, path: string, headers: Record<string, string> = {}) {
    this.stream = session.request({ ':path': path, ...headers });
    this.stream.on('response', (answer) => (this.answer = answer[':status'] ?? 0));
    this.stream.on('data', (data: Buffer) => {
      if (this.bytes < 1000) this.body += data.toString('latin1');
      this.bytes += data.length;
    });
    this.stream.on('error', () => undefined);
    this.stream.on('close', () => (this.ended = true));
  }

  /** Stops reading. */
  pause(): void {
    this.stream.pause();
  }

  drop(): void {
    this.stream.close(constants.NGHTTP2_CANCEL);
  }
}
