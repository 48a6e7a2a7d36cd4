import type { Clock } from '@stream-sessions/core';
import {
  badOption,
  checkOptions,
  Deadlines,
  redisSender,
  systemClock,
  type RedisClient,
  type RedisSend,
} from '@stream-sessions/core/spi';
import { linkFailed } from '../errors.js';
import {
  BUCKETS,
  LOG_BUCKET,
  type Channel,
  type ClusterLink,
  type Follower,
  type Reply,
  type Step,
} from '../link/link.js';
import { asLinkError, mayPass } from './failures.js';
import { RedisFollower } from './follower.js';
import { checkDuplicable } from './own-connection.js';
import { evaluate } from './scripts.js';

/** Options of {@link redisLink}. */
export interface RedisLinkOptions {
  /** Stands before every key, and ends with `:`; default `stream-sessions:`. Processes that share it are one cluster. */
  prefix?: string;
  /** What was not answered within so many milliseconds, tries included, has failed; default 1,000. */
  commandTimeoutMs?: number;
  /** Where time limits come from; leases go by the clock of Redis. Default: the wall clock. */
  clock?: Clock;
}

/** How many steps may be unanswered. Clients queue them without bound while Redis is away. */
const MAX_PENDING = 10_000;
/** Pauses between tries. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/**
 * The link over Redis 6.2 and later, or Valkey: standalone, behind Sentinel, or in a cluster. The client is yours, stays open,
 * and may be used for other things; one more connection like it is opened to wait for news.
 *
 * @param client connected, of the npm package `redis` or `ioredis`; or `{ send(key, args), duplicate() }` for another
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
  checkDuplicable(client);
  return new RedisLink(client, send, prefix, commandTimeoutMs, clock);
}

class RedisLink implements ClusterLink {
  private pending = 0;
  private isClosed = false;
  private readonly deadlines: Deadlines;
  private readonly followers = new Set<Follower>();

  constructor(
    private readonly client: RedisClient,
    private readonly send: RedisSend,
    private readonly prefix: string,
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {
    this.deadlines = new Deadlines(timeoutMs, clock);
    client.on?.('error', ignore);
  }

  run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    if (!Number.isInteger(bucket) || bucket < 0 || bucket >= BUCKETS || keys.length === 0) {
      return Promise.reject(linkFailed(`${step.name} names no keys of a bucket`));
    }
    const named = keys.map((name) => this.keyOf(bucket, name));
    return this.withinLimit(step.name, () => evaluate(this.send, step, named, args));
  }

  async follow(
    channels: readonly Channel[],
    onTexts: (channel: string, texts: readonly string[]) => void,
  ): Promise<Follower> {
    const followed = await Promise.all(
      channels.map(async ({ name, isOwn = false }) => {
        const key = this.keyOf(LOG_BUCKET, name);
        const last = await this.withinLimit('XREVRANGE', () =>
          this.send(key, ['XREVRANGE', key, '+', '-', 'COUNT', '1']),
        );
        return { name, key, isOwn, position: lastIdOf(last) };
      }),
    );
    if (this.isClosed) throw linkFailed('it is closed');
    const { client, clock, timeoutMs } = this;
    const follower = new RedisFollower({ client, channels: followed, onTexts, clock, timeoutMs });
    this.followers.add(follower);
    return {
      rewind: (channel) => follower.rewind(channel),
      stop: async () => {
        this.followers.delete(follower);
        await follower.stop();
      },
    };
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    await Promise.all([...this.followers].map((follower) => follower.stop()));
    this.client.off?.('error', ignore);
  }

  private keyOf(bucket: number, name: string): string {
    return `${this.prefix}{${bucket}}:${name}`;
  }

  /** Tries again what may pass, until the time is up. */
  private withinLimit<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.isClosed) return Promise.reject(linkFailed('it is closed'));
    if (this.pending >= MAX_PENDING) return Promise.reject(linkFailed(`${this.pending} steps wait for Redis already`));
    this.pending++;
    return new Promise<T>((resolve, reject) => {
      let isOver = false;
      const waiting = this.deadlines.add(() => {
        isOver = true;
        reject(linkFailed(`Redis has not answered ${name} within ${this.timeoutMs} ms. It may still happen`));
      });
      this.tries(work, () => isOver)
        .then(resolve, (error) => reject(asLinkError(error)))
        .finally(() => {
          this.pending--;
          this.deadlines.remove(waiting);
        });
    });
  }

  private async tries<T>(work: () => Promise<T>, isOver: () => boolean): Promise<T> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await work();
      } catch (error) {
        if (isOver() || this.isClosed || !mayPass(error)) throw error;
      }
      await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, pauseMs));
    }
  }
}

const ignore = (): void => undefined;

/** Of the answer to XREVRANGE. */
function lastIdOf(reply: unknown): string {
  const [entry] = reply as [id: string, ...rest: unknown[]][];
  return entry === undefined ? '0-0' : String(entry[0]);
}
