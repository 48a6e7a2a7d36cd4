/** The session store, in a project that has installed neither of the Redis clients: its declarations must not need them. */
import { createManager, SseSession, type Manager, type Storage } from '@stream-sessions/session-store';
import { redisStorage, type RedisCommands } from '@stream-sessions/session-store/redis';

const client: RedisCommands = { send: async () => null };
const storage: Storage = redisStorage(client, { keyPrefix: 'tv:session:' });

export const manager: Manager<SseSession> = createManager({ type: 'sse', storage, ttlMs: 60_000 });

/** Sends to a session of this node. */
export async function send(id: string, message: string): Promise<boolean> {
  const session = await manager.get(id);
  if (!(session instanceof SseSession) || !session.isConnected) return false;
  session.sendMessage(message);
  return true;
}
