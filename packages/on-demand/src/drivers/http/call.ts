import http from 'node:http';
import https from 'node:https';

/** One request. */
export interface Call {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Certificates to trust, as PEM. `fetch` does not support them. */
  readonly ca?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** The response; redirects are not followed. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** No expected response is this long. Bytes. */
const MAX_BYTES = 8 * 1024 * 1024;

/** @throws Error if there is no response in time */
export function call(url: string, { method, headers = {}, body, ca, signal, timeoutMs }: Call): Promise<Answer> {
  const { request } = url.startsWith('https:') ? https : http;
  const timeout = AbortSignal.timeout(timeoutMs);
  const { origin, pathname } = new URL(url); // not its query and userinfo, which are credentials at times
  const what = `${method} ${origin}${pathname}`;
  const signals = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, signal: signals, ...(ca !== undefined && { ca }) };
    const fail = (error: Error): void => {
      reject(timeout.aborted ? new Error(`${what}: no answer within ${timeoutMs} ms`, { cause: error }) : error);
    };
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) response.destroy(new Error(`${what}: the answer is too long`));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.on('error', fail);
    // Without a listener, Node closes the request after a 101 and says nothing.
    sent.on('upgrade', (_response, socket) => {
      socket.destroy();
      fail(new Error(`${what} was answered 101`));
    });
    sent.end(body);
  });
}

/** The error for a response that is not a success. */
export const failure = (what: string, { status, text }: Answer): Error =>
  new Error(`${what} was answered ${status}: ${text.slice(0, 200).replace(/\s+/g, ' ').trim()}`);
