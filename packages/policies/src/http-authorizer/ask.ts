import { readAnswer, UNCLEAR } from './answer.js';
import { REQUESTS, type Payload } from './request.js';
import type { Candidate, Verdict } from '@stream-sessions/core';

/** How the authoriser is reached. */
export interface Line {
  readonly url: string;
  readonly payload: Payload;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** An answer is a few lines; whoever sends more is no authoriser. */
const MAX_BODY = 65_536;

/** What the authoriser says; undefined: it cannot be reached, or says nothing that could be understood. */
export async function ask(line: Line, candidate: Candidate): Promise<Verdict | undefined> {
  const { body, headers } = REQUESTS[line.payload](candidate);
  for (let attempt = 0; attempt <= line.retries; attempt++) {
    try {
      const response = await fetch(line.url, {
        method: 'POST',
        body,
        headers: { ...headers, ...line.headers },
        // A redirect would carry the viewer's token to who knows where.
        redirect: 'manual',
        signal: AbortSignal.timeout(line.timeoutMs),
      });
      const answer = readAnswer(line.payload, response.status, await textOf(response));
      if (answer !== UNCLEAR) return answer;
    } catch {
      // Refused, reset, too slow, too long: it is not there, this time.
    }
  }
  return undefined;
}

/** @throws when it is too long */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    // leaving the loop cancels the rest of the body
    if ((length += chunk.length) > MAX_BODY) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
