import http from 'node:http';
import http2 from 'node:http2';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { until } from '../../../../test/support/until.js';

export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: any;
}

/** A client of Server-Sent Events as the standard has it, on one connection. */
export class Listener {
  readonly messages: Message[] = [];
  comments = 0;
  /** What it would send as `Last-Event-ID`. */
  lastId = '';
  isOver = false;
  private rest = '';

  constructor(
    readonly status: number,
    readonly headers: Readonly<Record<string, unknown>>,
    readonly stream: Readable,
    private readonly hangUp: () => void,
  ) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.read(text));
    stream.on('error', () => undefined);
    stream.on('close', () => (this.isOver = true));
  }

  of(event: string): Message[] {
    return this.messages.filter((message) => message.event === event);
  }

  async until(event: string, count = 1): Promise<Message> {
    await until(`${count} ${event}`, () => this.of(event).length >= count);
    return this.of(event)[count - 1] as Message;
  }

  close(): void {
    this.hangUp();
  }

  private read(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() as string;
    for (const block of blocks) {
      let [event, data, id] = ['message', '', this.lastId];
      for (const line of block.split('\n')) {
        const [, field, value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (field === '') this.comments++;
        else if (field === 'event') event = value;
        else if (field === 'data') data += value;
        else if (field === 'id') id = value;
      }
      this.lastId = id;
      if (data !== '') this.messages.push({ id, event, data: JSON.parse(data) });
    }
  }
}

const open = new Set<Listener>();

/** Connects, and resolves when the answer has begun. */
export function listen(url: string, path: string, headers: Record<string, string> = {}): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const request = http.get(url + path, { headers, agent: false }, (response) => {
      const isPacked = response.headers['content-encoding'] === 'gzip';
      const text = isPacked ? response.pipe(createGunzip()) : response;
      const listener = new Listener(response.statusCode ?? 0, response.headers, text, () => request.destroy());
      open.add(listener);
      resolve(listener);
    });
    request.on('error', reject);
  });
}

export function listenOverHttp2(url: string, path: string): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(url);
    session.on('error', reject);
    const stream = session.request({ ':path': path });
    stream.on('response', (headers) => {
      const listener = new Listener(Number(headers[':status']), headers, stream, () => session.destroy());
      open.add(listener);
      resolve(listener);
    });
  });
}

/** For `afterEach`. */
export function closeListeners(): void {
  for (const listener of open) listener.close();
  open.clear();
}
