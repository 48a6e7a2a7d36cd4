import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { watchHeld } from '@stream-sessions/core/testing';

export interface Flood {
  readonly port: number;
  readonly connections: number;
  /** Said once. */
  readonly head: Buffer;
  /** Said again and again, until so many bytes are said over each connection. */
  readonly body: Buffer;
  readonly bytes: number;
  /** It reads no answer. */
  readonly isDeaf?: boolean;
}

export interface Flooded {
  /** Bytes that the server's side took, of all connections together. */
  readonly sent: number;
  /** Connections that the server ended. */
  readonly cut: number;
  /** How much the memory that this process holds, which has the server in it, grew at the most. */
  readonly grown: number;
}

/** Floods the server of this process from another one, and watches its memory meanwhile. */
export async function flood({ head, body, ...rest }: Flood): Promise<Flooded> {
  const held = watchHeld();
  const child = fork(join(__dirname, 'flooder.mjs'), { execArgv: [] });
  child.send({ ...rest, head: head.toString('base64'), body: body.toString('base64') });
  const [result] = (await once(child, 'message')) as [{ sent: number; cut: number }];
  const grown = held();
  await once(child, 'exit');
  return { ...result, grown };
}
