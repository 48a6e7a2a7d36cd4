import type { Clock } from '@stream-sessions/core';
import {
  badOption,
  checkOptions,
  redisSender,
  systemClock,
  type RedisClient,
  type RedisSend,
} from '@stream-sessions/core/spi';
import { linkFailed } from '../errors.js';
import { Attempts, linkClosed } from '../link/attempts.js';
import {
  checkKeys,
  LOG_BUCKET,
  type Channel,
  type ClusterLink,
  type Follower,
  type Reply,
  type Gathered,
  type Step,
} from '../link/link.js';
import { asLinkError, mayPass } from './failures.js';
import { RedisFollower } from './follower.js';
import { GatheredCalls } from './gathered-calls.js';
import { checkClient } from './own-connection.js';
import { evaluate } from './scripts.js';

/** Options of {@link redisLink}. */
export interface RedisLinkOptions {
  /** Precedes every key, and ends with `:`; default `stream-sessions:`. Processes that share it form one cluster. */
  prefix?: string | undefined;
  /** A step without a reply for this many milliseconds, including retries, has failed; default 1,000. */
  commandTimeoutMs?: number | undefined;
  /** The source of time for limits; leases go by the clock of Redis. Default: the wall clock. */
  clock?: Clock | undefined;
}

/**
 * The link over Redis 6.2 and later, or Valkey: standalone, behind Sentinel, or in a cluster. The client is yours, stays open,
 * and may be used for other things; a second connection like it is opened for waiting.
 *
 * @param client A connected client of the npm package `redis` or `ioredis`; or `{ send(key, args), duplicate() }` for another
 * @throws StreamSessionsError ERR_BAD_OPTION
 */
export function redisLink(client: RedisClient, options: RedisLinkOptions = {}): ClusterLink {
  checkOptions('redisLink()', options, ['prefix', 'commandTimeoutMs', 'clock']);
  const { prefix = 'stream-sessions:', commandTimeoutMs = 1_000, clock = systemClock } = options;
  if (typeof prefix !== 'string' || prefix.length > 256 || !/^[^{}]*:$/s.test(prefix)) {
    throw badOption('prefix', 'a string without braces that ends with ":", such as "tv:"', prefix);
  }
  if (!Number.isFinite(commandTimeoutMs) || commandTimeoutMs < 1) {
    throw badOption('commandTimeoutMs', 'a number from 1', commandTimeoutMs);
  }
  const send = redisSender(client);
  checkClient(client);
  return new RedisLink(client, send, prefix, commandTimeoutMs, clock);
}

class RedisLink implements ClusterLink {
  private isClosed = false;
  private readonly attempts: Attempts;
  private readonly followers = new Set<Follower>();
  private readonly gatheredCalls = new Map<Step, GatheredCalls>();

  constructor(
    private readonly client: RedisClient,
    private readonly send: RedisSend,
    private readonly prefix: string,
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {
    this.attempts = new Attempts({ at: 'Redis', timeoutMs, clock, mayPass, asError: asLinkError });
    client.on?.('error', ignore);
  }

  run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const wrong = checkKeys(step, bucket, keys);
    if (wrong !== undefined) return Promise.reject(linkFailed(wrong));
    const named = keys.map((name) => this.keyOf(bucket, name));
    return this.attempts.make(step.name, () =>
      step.gathered === undefined
        ? evaluate(this.send, step, named, args)
        : this.gathered(step, step.gathered).run(named, args),
    );
  }

  async follow(
    channels: readonly Channel[],
    onTexts: (channel: string, texts: readonly string[]) => void,
  ): Promise<Follower> {
    const followed = await Promise.all(
      channels.map(async ({ name, isOwn = false }) => {
        const key = this.keyOf(LOG_BUCKET, name);
        const last = await this.attempts.make('XREVRANGE', () =>
          this.send(key, ['XREVRANGE', key, '+', '-', 'COUNT', '1']),
        );
        return { name, key, isOwn, position: lastIdOf(last) };
      }),
    );
    if (this.isClosed) throw linkClosed();
    const { client, clock, timeoutMs } = this;
    const follower = new RedisFollower({ client, channels: followed, onTexts, clock, timeoutMs });
    this.followers.add(follower);
    const stop = async (): Promise<void> => {
      this.followers.delete(follower);
      await follower.stop();
    };
    try {
      // who cannot hear must not pass for a member
      await this.attempts.make('a second connection', () => follower.beginning);
    } catch (error) {
      const { failure = error } = follower;
      await stop();
      throw asLinkError(failure);
    }
    return {
      rewind: (channel) => follower.rewind(channel),
      get failure() {
        return follower.failure;
      },
      stop,
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.attempts.close();
    await Promise.all([...this.followers].map((follower) => follower.stop()));
    this.client.off?.('error', ignore);
  }

  private gathered(step: Step, scripts: Gathered): GatheredCalls {
    let calls = this.gatheredCalls.get(step);
    if (calls === undefined) this.gatheredCalls.set(step, (calls = new GatheredCalls(step, scripts, this.send)));
    return calls;
  }

  private keyOf(bucket: number, name: string): string {
    return `${this.prefix}{${bucket}}:${name}`;
  }
}

const ignore = (): void => undefined;

/** The id in a reply to XREVRANGE. */
function lastIdOf(reply: unknown): string {
  const [entry] = reply as [id: string, ...rest: unknown[]][];
  return entry === undefined ? '0-0' : String(entry[0]);
}
