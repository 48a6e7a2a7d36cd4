import { badOption, redisSender, type RedisClient, type RedisSend } from '@stream-sessions/core/spi';
import { linkFailed } from '../errors.js';

/** A client of `redis` or `ioredis` that can be duplicated. */
interface Duplicable {
  /** Takes other options: `ioredis` as its only argument, or, for Redis Cluster, as the second one. */
  duplicate(...others: readonly unknown[]): RedisClient;
}

/** Closes a client at once: `redis` calls this destroy, `ioredis` disconnect. */
interface Ending {
  connect?(): Promise<unknown>;
  destroy?(): unknown;
  disconnect?(): unknown;
  /** Of `ioredis`. */
  readonly status?: string;
  once?(event: 'ready' | 'end', listener: () => void): unknown;
}

/** A connection besides the user's: blocking commands on it hold up nobody. */
export interface OwnConnection {
  readonly send: RedisSend;
  /** Resolves when it can be used. Clients may try for ever. Rejects when it is destroyed. */
  readonly ready: Promise<void>;
  /** Immediate; safe to call twice. */
  destroy(): void;
}

/** What a client of `ioredis` was made with; one for Redis Cluster has it one level deeper. */
interface Ioredis {
  readonly options?: {
    readonly stringNumbers?: boolean;
    readonly commandTimeout?: number;
    readonly redisOptions?: Ioredis['options'];
  };
}

/** @throws StreamSessionsError ERR_BAD_OPTION */
export function checkClient(client: RedisClient): void {
  if (typeof (client as Partial<Duplicable>).duplicate !== 'function') {
    throw badOption(
      'client',
      'a client that has duplicate(), for the log needs a connection of its own: no pool',
      client,
    );
  }
  const { options } = client as Ioredis;
  if (options?.stringNumbers === true || options?.redisOptions?.stringNumbers === true) {
    throw badOption('client', 'an ioredis without "stringNumbers": what steps answer are numbers', 'one with it');
  }
}

/** @throws Error what the client's `duplicate()` throws */
export function ownConnection(client: RedisClient): OwnConnection {
  const own = duplicateOf(client as RedisClient & Duplicable & Ioredis) as RedisClient & Ending;
  // a lost connection shows in the commands; without a listener, the event would end the process
  own.on?.('error', () => undefined);
  let isOpen = true;
  const end = (): void => void settled(() => (own.destroy === undefined ? own.disconnect?.() : own.destroy()));
  const connecting = connect(own);
  let fail: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    fail = reject;
    connecting.then(resolve, reject);
  });
  ready.catch(() => undefined);
  const destroy = (): void => {
    if (!isOpen) return;
    isOpen = false;
    fail(linkFailed('its connection is closed'));
    end();
    // it may open its socket only now
    connecting.then(end, () => undefined);
  };
  return { send: redisSender(own), ready, destroy };
}

/** However soon the user's commands have to be answered: those that wait take a second, and have a limit of their own. */
function duplicateOf(client: Duplicable & Ioredis): RedisClient {
  const { commandTimeout, redisOptions } = client.options ?? {};
  const patient = { commandTimeout: undefined };
  if (commandTimeout !== undefined) return client.duplicate(patient);
  if (redisOptions?.commandTimeout === undefined) return client.duplicate();
  return client.duplicate([], { redisOptions: { ...redisOptions, ...patient } });
}

async function connect(own: RedisClient & Ending): Promise<void> {
  if (!('call' in own)) return void (await own.connect?.());
  // ioredis connects automatically, unless it is lazy, and again as often as its user wants; it may refuse commands until then
  if (own.status === 'wait') own.connect?.().catch(() => undefined);
  if (own.status === undefined || own.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    own.once?.('ready', resolve);
    own.once?.('end', () => reject(linkFailed('a second connection cannot be opened')));
  });
}

/** A client that is not connected may throw or reject when it is closed. */
async function settled(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // already closed
  }
}
