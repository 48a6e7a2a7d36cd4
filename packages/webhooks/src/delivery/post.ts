import http from 'node:http';
import https from 'node:https';
import type { Clock } from '@stream-sessions/core';
import { checkLiteral, type Lookup, publicLookup } from './public-address.js';

/** What is sent. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What came of it. */
export interface Attempt {
  /** Absent: there was no answer. */
  readonly status?: number;
  /** Why it failed; absent: it was taken. */
  readonly error?: string;
  /** So long the receiver wants to be left alone. Milliseconds. */
  readonly retryAfterMs?: number;
}

const TIMEOUT_MS = 15_000;
/** What a receiver says is not read; a connection whose answer is longer is not used again. */
const MAX_ANSWER = 65_536;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Sends to one URL, over connections that are kept for a while. */
export class Poster {
  private readonly agent: http.Agent | https.Agent;
  private isClosed = false;

  constructor(
    private readonly url: URL,
    private readonly clock: Clock,
    private readonly allowPrivate: boolean,
    private readonly ask?: Lookup,
  ) {
    const { Agent } = url.protocol === 'https:' ? https : http;
    // an agent of its own: the global one may have been told of a proxy
    this.agent = new Agent({ keepAlive: true, maxSockets: 16, timeout: 4 * TIMEOUT_MS });
  }

  /** Never rejects. */
  post({ body, headers }: Message): Promise<Attempt> {
    if (this.isClosed) return Promise.resolve({ error: 'stopped' });
    return new Promise((resolve) => {
      const fail = (error: Error): void => done({ error: error.message });
      let timer: unknown;
      const done = (attempt: Attempt): void => {
        this.clock.clearTimeout(timer);
        resolve(attempt);
      };
      try {
        if (!this.allowPrivate) checkLiteral(this.url.hostname);
        const { request } = this.url.protocol === 'https:' ? https : http;
        const lookup = this.allowPrivate ? this.ask : publicLookup(this.ask);
        const sent = request(this.url, {
          method: 'POST',
          agent: this.agent,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          ...(lookup === undefined ? {} : { lookup: lookup }),
        });
        timer = this.clock.setTimeout(() => sent.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
        sent.on('error', (error: NodeJS.ErrnoException) => {
          // a connection that was kept, and that the other side ended as it was used: that says nothing
          if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(this.post({ body, headers }));
          else fail(error);
        });
        sent.on('response', (answer) => {
          discard(answer, this.clock);
          done(this.judge(answer));
        });
        sent.end(body);
      } catch (error) {
        fail(error as Error);
      }
    });
  }

  /** What is on its way is cut off. */
  close(): void {
    this.isClosed = true;
    this.agent.destroy();
  }

  private judge({ statusCode: status = 0, headers }: http.IncomingMessage): Attempt {
    if (status >= 200 && status < 300) return { status };
    const retryAfterMs = this.retryAfterMs(headers['retry-after']);
    return { status, error: `answered ${status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }

  private retryAfterMs(value: string | undefined): number | undefined {
    if (value === undefined) return undefined;
    const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - this.clock.now();
    return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
  }
}

/** Reads to the end what is short, for the connection's sake, and hangs up on the rest. */
function discard(answer: http.IncomingMessage, clock: Clock): void {
  let length = 0;
  const timer = clock.setTimeout(() => answer.destroy(), TIMEOUT_MS);
  answer.on('data', (part: Buffer) => {
    length += part.length;
    if (length > MAX_ANSWER) answer.destroy();
  });
  answer.on('error', () => undefined);
  answer.on('close', () => clock.clearTimeout(timer));
}
