import { request as http, type IncomingMessage } from 'node:http';
import { request as https } from 'node:https';

/** A request to a server. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The limit for everything: connecting, sending, and the whole response. */
  readonly timeoutMs: number;
  /** The longest response; a server that sends more is not the expected one. */
  readonly maxBytes: number;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** There was no readable response. The message says why, and contains neither the URL nor what was sent. */
export class NoReply extends Error {}

/**
 * Sends a request and reads the whole response. Redirects are not followed, because they would send the request somewhere
 * unknown.
 *
 * @throws NoReply
 */
export async function exchange(url: URL, { method, headers, body, timeoutMs, maxBytes }: Question): Promise<Reply> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = url.protocol === 'https:' ? https : http;
      const request = send(url, { method, headers, signal }, resolve).on('error', reject);
      // After a 101, to which nobody listens, that is all that Node says.
      request.on('close', () => reject(new NoReply('the connection was closed without an answer'))).end(body);
    });
    const text = await textOf(response, maxBytes);
    // A body that lasts as long as its connection looks complete when it is the time limit that ends it.
    signal.throwIfAborted();
    return { status: response.statusCode ?? 0, text };
  } catch (error) {
    if (error instanceof NoReply) throw error;
    if (signal.aborted) throw new NoReply(`no answer within ${timeoutMs} ms`);
    throw new NoReply(`the connection failed (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

/** @throws NoReply if it is too long */
async function textOf(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // leaving the loop cancels the rest of the body
    if ((length += chunk.length) > maxBytes) throw new NoReply(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
