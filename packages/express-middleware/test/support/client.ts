import http, { type IncomingHttpHeaders } from 'node:http';
import net from 'node:net';
import { pace } from '../../../../test/support/until.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

/** One request exactly as written: the path is not touched, unlike by fetch. */
export function get(
  url: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  { method = 'GET', ...more }: Pick<http.RequestOptions, 'method' | 'agent' | 'localAddress'> = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path, method, headers, ...more }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** A TCP client that says exactly these bytes and reads only when told to. */
export class RawClient {
  readonly socket: net.Socket;
  ended = false;
  private readonly chunks: Buffer[] = [];
  private length = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
    });
    socket.on('close', () => (this.ended = true));
    socket.on('error', () => undefined);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return new RawClient(socket);
  }

  get(path: string, headers: Record<string, string> = {}): void {
    const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Body bytes of the first response, which must not be chunked. */
  get bodyReceived(): number {
    const end = (this.chunks[0] ?? '').indexOf('\r\n\r\n');
    return end < 0 ? 0 : this.length - end - 4;
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.chunks[0]?.toString('latin1', 0, 32) ?? '')?.[1] ?? 0);
  }
}

/** Polls until it holds; fails with what it saw last. */
export async function until<T>(probe: () => T, holds: (value: T) => boolean = Boolean, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = probe();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`Still ${JSON.stringify(value)} after ${timeoutMs} ms`);
    await pace(5);
  }
}
