import { request as http, type IncomingMessage } from 'node:http';
import { request as https } from 'node:https';

/** What is asked of a server. */
export interface Question {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** All of it: connecting, sending, the whole answer. */
  readonly timeoutMs: number;
  /** Of the answer; whoever sends more is no server of ours. */
  readonly maxBytes: number;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Nothing that could be read came back. The message says why, and has neither the URL nor what was sent in it. */
export class NoReply extends Error {}

/**
 * One request and its whole answer. No redirect is followed: it would carry what was sent to who knows where.
 *
 * @throws NoReply
 */
export async function exchange(url: URL, { method, headers, body, timeoutMs, maxBytes }: Question): Promise<Reply> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = url.protocol === 'https:' ? https : http;
      send(url, { method, headers, signal }, resolve).on('error', reject).end(body);
    });
    return { status: response.statusCode ?? 0, text: await textOf(response, maxBytes) };
  } catch (error) {
    if (error instanceof NoReply) throw error;
    if (signal.aborted) throw new NoReply(`no answer within ${timeoutMs} ms`);
    throw new NoReply(`the connection failed (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

/** @throws NoReply when it is too long */
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
