import { badOption, redisSender, type RedisClient, type RedisSend } from '@stream-sessions/core/spi';

/** A client of `redis` or `ioredis` that can be duplicated. */
interface Duplicable {
  duplicate(): RedisClient;
}

/** Closes a client at once: `redis` calls this destroy, `ioredis` disconnect. */
interface Ending {
  connect?(): Promise<unknown>;
  destroy?(): unknown;
  disconnect?(): unknown;
}

/** A connection besides the user's: blocking commands on it hold up nobody. */
export interface OwnConnection {
  readonly send: RedisSend;
  /** Immediate; safe to call twice. */
  destroy(): void;
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkDuplicable(client: RedisClient): void {
  if (typeof (client as Partial<Duplicable>).duplicate === 'function') return;
  throw badOption('client', 'a client that has duplicate(), for the log needs a connection of its own', client);
}

export async function ownConnection(client: RedisClient): Promise<OwnConnection> {
  const own = (client as RedisClient & Duplicable).duplicate() as RedisClient & Ending;
  // a lost connection shows in the commands; without a listener, the event would end the process
  own.on?.('error', () => undefined);
  let isOpen = true;
  const destroy = (): void => {
    if (!isOpen) return;
    isOpen = false;
    void settled(() => (own.destroy === undefined ? own.disconnect?.() : own.destroy()));
  };
  try {
    // ioredis connects automatically
    if (!('call' in own)) await own.connect?.();
  } catch (error) {
    destroy();
    throw error;
  }
  return { send: redisSender(own), destroy };
}

/** A client that is not connected may throw or reject when it is closed. */
async function settled(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // already closed
  }
}
