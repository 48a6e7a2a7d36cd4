import { get, type IncomingMessage } from 'node:http';
import { get as getSecurely } from 'node:https';
import { WebSocket } from 'ws';

/** A player of HTTP-FLV. */
export class HttpFlvClient {
  status = 0;
  body = '';
  bytes = 0;
  ended = false;
  private readonly request;
  private response: IncomingMessage | undefined;

  constructor(port: number, path: string, headers: Record<string, string> = {}, secure = false) {
    const options = { port, host: '127.0.0.1', path, headers, agent: false, rejectUnauthorized: false };
    this.request = (secure ? getSecurely : get)(options, (res: IncomingMessage) => {
      this.response = res;
      this.status = res.statusCode ?? 0;
      res.on('data', (data: Buffer) => {
        if (this.bytes < 1000) this.body += data.toString('latin1');
        this.bytes += data.length;
      });
      res.on('error', () => undefined);
    });
    this.request.on('error', () => undefined);
    this.request.on('close', () => (this.ended = true));
  }

  /** The status of the answer, of a refusal as of play. */
  get answer(): number {
    return this.status;
  }

  /** Media, and nothing of a refusal's body. */
  received(): number {
    return this.status === 200 ? this.bytes : 0;
  }

  /** Stops reading. */
  pause(): void {
    this.response?.pause();
  }

  drop(): void {
    this.request.destroy();
  }
}

/** A player of WS-FLV. */
export class WsFlvClient {
  bytes = 0;
  ended = false;
  code = 0;
  reason = '';
  readonly ws: WebSocket;

  constructor(port: number, path: string, headers: Record<string, string> = {}, secure = false) {
    const options = { headers, rejectUnauthorized: false };
    this.ws = new WebSocket(`${secure ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`, options);
    this.ws.on('message', (data: Buffer) => (this.bytes += data.length));
    this.ws.on('error', () => undefined);
    this.ws.on('close', (code, reason) => {
      this.ended = true;
      this.code = code;
      this.reason = reason.toString();
    });
  }

  /** The status that a close code stands for. */
  get answer(): number {
    return this.code - 4000;
  }

  received(): number {
    return this.bytes;
  }

  drop(): void {
    this.ws.terminate();
  }
}
