import http, { type IncomingMessage } from 'node:http';
import { until } from '../until.js';

/** A completed response. */
export interface Answer {
  readonly status: number;
  readonly bodyLength: number;
}

/** A response in progress. */
export interface Download {
  readonly status: number;
  received(): number;
  hasEnded(): boolean;
  /** True: it ended before it was complete. */
  isCutShort(): boolean;
  drop(): void;
}

export interface Asked {
  token?: string;
  userAgent?: string;
  method?: string;
  headers?: Record<string, string>;
  /** Pause after each chunk, in milliseconds: a player that never finishes. Default: reads everything at once. */
  pauseMs?: number;
}

/** A player that requests files below a URL, over real connections. */
export class HttpPlayer {
  private readonly agent = new http.Agent({ keepAlive: true });

  constructor(
    private readonly url: string,
    private readonly asked: Asked = {},
  ) {}

  /** Requests a file and reads the whole response. */
  async get(file: string, more: Asked = {}): Promise<Answer> {
    const download = await this.download(file, more);
    await until(`${file} is served`, () => download.hasEnded());
    return { status: download.status, bodyLength: download.received() };
  }

  /** Requests a file and returns when the response begins. */
  async download(file: string, more: Asked = {}): Promise<Download> {
    const response = await this.request(file, more).answer;
    let received = 0;
    response.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (more.pauseMs === undefined) return;
      response.pause();
      setTimeout(() => response.resume(), more.pauseMs);
    });
    response.on('error', () => undefined);
    return {
      status: response.statusCode ?? 0,
      received: () => received,
      hasEnded: () => response.closed || response.destroyed,
      isCutShort: () => !response.complete,
      drop: () => response.destroy(),
    };
  }

  /** Requests a file, and disconnects when told to, whatever arrives. */
  ask(file: string, more: Asked = {}): { drop(): void } {
    const { request, answer } = this.request(file, more);
    answer.catch(() => undefined);
    return { drop: () => request.destroy() };
  }

  close(): void {
    this.agent.destroy();
  }

  private request(file: string, more: Asked): { request: http.ClientRequest; answer: Promise<IncomingMessage> } {
    const { token, userAgent, method, headers } = { ...this.asked, ...more };
    const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
    const request = http.request(`${this.url}/${file}${query}`, {
      agent: this.agent,
      method: method ?? 'GET',
      headers: { 'User-Agent': userAgent ?? 'player/1.0', ...headers },
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
    });
    request.end();
    return { request, answer };
  }
}
