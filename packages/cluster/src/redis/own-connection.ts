import { badOption, redisSender, type RedisClient, type RedisSend } from '@stream-sessions/core/spi';

/** A client of `redis` or `ioredis`, as far as another one like it can be made of it. */
interface Duplicable {
  duplicate(): RedisClient;
}

/** What ends a client at once: `redis` calls it destroy, `ioredis` disconnect. */
interface Ending {
  connect?(): Promise<unknown>;
  destroy?(): unknown;
  disconnect?(): unknown;
}

/** A connection beside the user's: what waits in it holds up nobody. */
export interface OwnConnection {
  readonly send: RedisSend;
  /** At once; harmless twice. */
  destroy(): void;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkDuplicable(client: RedisClient): void {
  if (typeof (client as Partial<Duplicable>).duplicate === 'function') return;
  throw badOption('client', 'a client that has duplicate(), for the log needs a connection of its own', client);
}

export async function ownConnection(client: RedisClient): Promise<OwnConnection> {
  const own = (client as RedisClient & Duplicable).duplicate() as RedisClient & Ending;
  // a connection that is lost shows in the commands; without a listener it would end the process
  own.on?.('error', () => undefined);
  let isOpen = true;
  const destroy = (): void => {
    if (!isOpen) return;
    isOpen = false;
    void settled(() => (own.destroy === undefined ? own.disconnect?.() : own.destroy()));
  };
  try {
    // ioredis connects by itself
    if (!('call' in own)) await own.connect?.();
  } catch (error) {
    destroy();
    throw error;
  }
  return { send: redisSender(own), destroy };
}

/** A client that is not connected may throw, or reject, when it is told to end. */
async function settled(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // it has ended
  }
}
