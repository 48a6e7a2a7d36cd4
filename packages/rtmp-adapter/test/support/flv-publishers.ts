import { request } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { WebSocket } from 'ws';
import { videoSource } from './video-source.js';

const HEADER = Buffer.from('464c5601010000000900000000', 'hex');

function tag(video: Buffer, timestamp: number): Buffer {
  const head = Buffer.alloc(11);
  head[0] = 9;
  head.writeUIntBE(video.length, 1, 3);
  head.writeUIntBE(timestamp, 4, 3);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(head.length + video.length);
  return Buffer.concat([head, video, size]);
}

/** Somebody who publishes FLV, and what was answered: a status of HTTP, or 4000 less than a close code. */
export interface FlvPublisher {
  readonly answer: number;
  readonly told: string;
  readonly ended: boolean;
  /** What it has sent of FLV. */
  readonly sent: number;
  /** Goes on being connected, and sends nothing any more. */
  fallSilent(): void;
  drop(): void;
}

interface Wire {
  write(data: Buffer): unknown;
  destroy(): unknown;
}

class Publisher implements FlvPublisher {
  answer = 0;
  told = '';
  ended = false;
  sent = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly wire: Wire) {}

  start(): void {
    this.send(HEADER);
    this.timer = videoSource(1000, 7, (video, timestamp) => this.send(tag(video, timestamp)));
  }

  end(): void {
    clearInterval(this.timer);
    this.ended = true;
  }

  fallSilent(): void {
    clearInterval(this.timer);
  }

  drop(): void {
    this.wire.destroy();
    this.end();
  }

  private send(data: Buffer): void {
    this.wire.write(data);
    this.sent += data.length;
  }
}

export function postFlv(port: number, path: string, headers: Record<string, string> = {}): FlvPublisher {
  const req = request({ port, host: '127.0.0.1', path, method: 'POST', headers, agent: false });
  const publisher = new Publisher(req);
  req.on('response', (res) => {
    publisher.answer = res.statusCode ?? 0;
    res.on('data', (data: Buffer) => (publisher.told += data.toString()));
    res.on('error', () => undefined);
  });
  req.on('error', () => undefined);
  req.on('close', () => publisher.end());
  publisher.start();
  return publisher;
}

export function postFlvOverHttp2(session: ClientHttp2Session, path: string): FlvPublisher {
  const stream = session.request({ ':path': path, ':method': 'POST' });
  const publisher = new Publisher(stream);
  stream.on('response', (headers) => (publisher.answer = headers[':status'] ?? 0));
  stream.on('data', (data: Buffer) => (publisher.told += data.toString()));
  stream.on('error', () => undefined);
  stream.on('close', () => publisher.end());
  publisher.start();
  return publisher;
}

export function sendFlvOverWebSocket(port: number, path: string, headers: Record<string, string> = {}): FlvPublisher {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['publisher'], { headers });
  const publisher = new Publisher({ write: (data) => ws.send(data), destroy: () => ws.terminate() });
  ws.on('open', () => publisher.start());
  ws.on('error', () => undefined);
  ws.on('close', (code, reason) => {
    publisher.answer = code - 4000;
    publisher.told = reason.toString();
    publisher.end();
  });
  return publisher;
}
