import http from 'node:http';
import https from 'node:https';
import type { Clock } from '@stream-sessions/core';
import { checkLiteral, type Lookup, publicLookup } from './public-address.js';

/** What is sent. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The result of an attempt. */
export interface Attempt {
  /** Absent: there was no response. */
  readonly status?: number;
  /** Why it failed; absent: it was accepted. */
  readonly error?: string;
  /** How long the receiver wants to be left alone. Milliseconds. */
  readonly retryAfterMs?: number;
}

const TIMEOUT_MS = 15_000;
/** Responses are not evaluated; a connection with a longer response is not reused. Bytes. */
const MAX_ANSWER = 65_536;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Sends to one URL, over connections that are kept alive for a while. */
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
    // an agent of its own: the global one may be configured to use a proxy
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
          // the other side closed a kept-alive connection just as it was reused, which says nothing
          if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(this.post({ body, headers }));
          else fail(error);
        });
        // without an error where the receiver answers 101, as if it had been asked to switch protocols
        sent.on('close', () => fail(new Error('closed without an answer')));
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

  /** Aborts requests in progress. */
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

/** Reads a short response to its end, so that the connection can be reused, and hangs up on a longer one. */
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
