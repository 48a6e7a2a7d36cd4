import type { Socket } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';

/** A client of `ws`, and what has become of it. */
export class Client {
  received = 0;
  messages: Buffer[] = [];
  /** The status of HTTP that refused it. */
  status: number | undefined;
  headers: IncomingMessage['headers'] = {};
  text = '';
  closed: { code: number; reason: string } | undefined;
  pings = 0;
  readonly ended: Promise<void>;

  constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => {
      this.received += data.length;
      if (this.messages.length < 10) this.messages.push(data);
    });
    ws.on('ping', () => this.pings++);
    ws.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        this.closed = { code, reason: reason.toString() };
        resolve();
      });
      ws.on('unexpected-response', (_request, response: IncomingMessage) => {
        this.status = response.statusCode;
        this.headers = response.headers;
        response.on('data', (data: Buffer) => (this.text += data.toString()));
        response.on('close', resolve);
      });
    });
  }

  get isOpen(): boolean {
    return this.ws.readyState === this.ws.OPEN;
  }

  /** The socket below: to make it silent. */
  get socket(): Socket {
    return (this.ws as unknown as { _socket: Socket })._socket;
  }
}
