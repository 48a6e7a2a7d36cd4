import type { Socket } from 'node:net';
import type { Reply } from '../link/link.js';

/** A step, by the digest of its script; with the full text if the hub does not know it. */
export interface RunRequest {
  readonly id: number;
  readonly run: string;
  readonly lua?: string;
  readonly keys: string[];
  readonly args: string[];
}

/** What a process sends to the hub. */
export type Request =
  | RunRequest
  /** Returns the id of the last entry of each. */
  | { readonly id: number; readonly last: string[] }
  /** Follows these keys, each from after an id. */
  | { readonly id: number; readonly follow: readonly (readonly [key: string, after: string])[]; readonly as: number }
  | { readonly id: number; readonly unfollow: number }
  | { readonly id: number; readonly forget: string; readonly entries: string[] };

/** What the hub sends: an answer, or entries for a follower. */
export type Response =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly unknown: true }
  | { readonly id: number; readonly failed: string }
  | { readonly to: number; readonly key: string; readonly entries: readonly (readonly [id: string, text: string])[] };

/** More than any page of sessions, and more than ever waits for a process that reads. Bytes. */
const MAX_WAITING = 64 * 1024 * 1024;

export const sendLine = (socket: Socket, message: Request | Response): void => {
  socket.write(`${JSON.stringify(message)}\n`);
  // it no longer reads: it will find in the table what it has missed
  if (socket.writableLength > MAX_WAITING) socket.destroy();
};

/** JSON, one message per line. Both ends are processes of one user; anything else is cut off. */
export function onLines<M>(socket: Socket, onMessage: (message: M) => void): void {
  const parts: string[] = [];
  let length = 0;
  socket.setEncoding('utf8');
  socket.on('data', (data: string) => {
    let from = 0;
    for (let at = data.indexOf('\n'); at >= 0; at = data.indexOf('\n', from)) {
      const line = parts.splice(0).join('') + data.slice(from, at);
      from = at + 1;
      length = 0;
      try {
        onMessage(JSON.parse(line) as M);
      } catch {
        return void socket.destroy();
      }
    }
    if (from < data.length) parts.push(data.slice(from));
    length += data.length - from;
    if (length > MAX_WAITING) socket.destroy();
  });
}
