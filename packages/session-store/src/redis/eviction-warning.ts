import type { RedisConnection } from './connection.js';

let hasWarned = false;

/** Warns once per process if this Redis evicts keys when its memory is full: sessions would vanish before their end. */
export async function warnOfEviction(connection: RedisConnection): Promise<void> {
  if (hasWarned) return;
  // this text is the same in both protocols, unlike the map returned by CONFIG GET, and needs fewer rights
  const info = String(await connection.ask(undefined, ['INFO', 'memory']).catch(() => ''));
  const [, policy = 'noeviction'] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
  if (policy === 'noeviction' || hasWarned) return;
  hasWarned = true;
  process.emitWarning(
    `This Redis has the maxmemory-policy "${policy}": when its memory is full, sessions vanish before their end. ` +
      'Set it to "noeviction", or give sessions a Redis of their own.',
    { code: 'STREAM_SESSIONS_EVICTING_REDIS' },
  );
}
