import type { RedisSend } from '@stream-sessions/core/spi';
import { digestOf } from '../link/digest.js';
import type { Reply, Step } from '../link/link.js';
import { linkFailed, wordsOf } from '../errors.js';

/** By the digest of the script, or by its full text if Redis does not know it (a new server, `SCRIPT FLUSH`). */
export async function evaluate(send: RedisSend, step: Step, keys: string[], args: readonly string[]): Promise<Reply> {
  const rest = [String(keys.length), ...keys, ...args];
  let reply: unknown;
  try {
    reply = await send(keys[0], ['EVALSHA', digestOf(step), ...rest]);
  } catch (error) {
    if (!wordsOf(error).includes('NOSCRIPT')) throw error;
    reply = await send(keys[0], ['EVAL', step.lua, ...rest]);
  }
  return readReply(reply, step);
}

function readReply(reply: unknown, step: Step): Reply {
  if (typeof reply === 'string' || typeof reply === 'number' || reply === null) return reply;
  if (Array.isArray(reply)) return reply.map((each) => readReply(each, step));
  if (Buffer.isBuffer(reply)) return reply.toString();
  const type = typeof reply;
  throw linkFailed(`the Redis client answered ${step.name} with ${type}. Give it no type mapping or reply transformer`);
}
