import type { OutgoingHttpHeaders } from 'node:http';
import type { PlaybackResponse } from '../connect.js';

type HeadersArgument = OutgoingHttpHeaders | readonly unknown[] | undefined;

/** Calls `act` once all headers are set, right before they are sent, so that nothing set later can undo it. */
export function beforeHead(res: PlaybackResponse, act: () => void): void {
  const { writeHead } = res as { writeHead: (this: PlaybackResponse, ...head: unknown[]) => PlaybackResponse };
  let done = false;
  Object.assign(res, {
    // Node calls this too if a handler does not
    writeHead(this: PlaybackResponse, status: number, ...rest: unknown[]) {
      if (done || res.headersSent) return writeHead.call(this, status, ...rest);
      done = true;
      putHead(this, status, rest);
      act();
      return writeHead.call(this, status);
    },
  });
}

/** Applies the arguments of writeHead() where they can still be changed. */
export function putHead(res: PlaybackResponse, status: number, rest: unknown[]): void {
  res.statusCode = status;
  // HTTP/2 has no status message
  if (typeof rest[0] === 'string' && !('stream' in res)) res.statusMessage = rest[0];
  const headers = rest.find((each) => typeof each === 'object' && each !== null) as HeadersArgument;
  for (const [name, value] of pairsOf(headers)) if (value !== undefined) res.setHeader(name, value as string);
}

/** An object, a list of pairs, or a flat list, as Node accepts them. A name that occurs twice has two values. */
function pairsOf(headers: HeadersArgument): [string, unknown][] {
  if (headers === undefined) return [];
  if (!Array.isArray(headers)) return Object.entries(headers);
  const flat = headers.some(Array.isArray) ? headers.flat(1) : headers;
  const values = new Map<string, unknown[]>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = String(flat[i]).toLowerCase();
    values.set(name, [...(values.get(name) ?? []), flat[i + 1]].flat());
  }
  return [...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]);
}
