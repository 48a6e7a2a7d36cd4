import type { Candidate, Verdict } from '@stream-sessions/core';
import { exchange, NoReply } from '../support/exchange.js';
import { readAnswer, Unclear } from './answer.js';
import { REQUESTS, type Payload } from './request.js';

/** How to reach the authoriser. */
export interface Line {
  readonly url: URL;
  readonly payload: Payload;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retries: number;
}

/** An answer is a few lines long; a server that sends more is not an authoriser. */
const MAX_BYTES = 65_536;

/** The authoriser's answer, or why it cannot be reached or understood. */
export async function ask(line: Line, candidate: Candidate): Promise<Verdict | Unclear> {
  const { url, payload, timeoutMs, retries } = line;
  const { body, headers } = REQUESTS[payload](candidate);
  const question = {
    method: 'POST',
    headers: { ...headers, ...line.headers },
    body,
    timeoutMs,
    maxBytes: MAX_BYTES,
  } as const;
  let unclear = new Unclear('it was not asked');
  for (let attempt = 0; attempt <= retries; attempt++) {
    try {
      const { status, text } = await exchange(url, question);
      const answer = readAnswer(payload, status, text);
      if (!(answer instanceof Unclear)) return answer;
      unclear = answer;
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      unclear = new Unclear(error.message);
    }
  }
  return unclear;
}
