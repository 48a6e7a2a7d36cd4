import type { Clock } from '@stream-sessions/core';
import { Deadlines, type RedisSend, type Waiting } from '@stream-sessions/core/spi';
import { storeClosed } from '../errors.js';
import type { StoredSession } from '../storage/storage.js';
import { busy, failureOf, strangeReply, timedOut } from './failures.js';

/** How many unanswered commands a client may have. Clients queue them without bound while Redis is unreachable. */
const MAX_PENDING = 10_000;

/** Sends commands, each with a time limit, and classifies failures. */
export class RedisConnection {
  private pending = 0;
  private isClosed = false;
  private onIdle: (() => void) | undefined;

  private readonly deadlines: Deadlines;

  constructor(
    private readonly send: RedisSend,
    private readonly limitMs: number,
    clock: Clock,
  ) {
    this.deadlines = new Deadlines(limitMs, clock);
  }

  /** The reply to a command. A reply after the time limit is discarded. */
  ask(key: string | undefined, args: string[]): Promise<unknown> {
    if (this.isClosed) return Promise.reject(storeClosed());
    if (this.pending >= MAX_PENDING) return Promise.reject(busy(this.pending));
    return new Promise((resolve, reject) => {
      this.pending++;
      const waiting = this.deadlines.add(() => {
        reject(timedOut(args[0] ?? '', this.limitMs));
        this.onIdle?.();
      });
      this.hand(key, args).then(
        (reply) => {
          this.settle(waiting);
          resolve(reply);
        },
        (error) => {
          this.settle(waiting);
          reject(failureOf(error));
        },
      );
    });
  }

  private settle(waiting: Waiting): void {
    this.deadlines.remove(waiting);
    this.pending--;
    this.onIdle?.();
  }

  async askText(key: string, args: string[]): Promise<string | undefined> {
    return textOf(args, await this.ask(key, args));
  }

  /** One promise fewer than `askText`, because every `get` does this. */
  askStored(key: string, args: string[]): Promise<StoredSession | undefined> {
    return this.ask(key, args).then((reply) => {
      const text = textOf(args, reply);
      return text === undefined ? undefined : { text, decoded: undefined };
    });
  }

  async askNumber(key: string, args: string[]): Promise<number> {
    const reply = Number(await this.ask(key, args));
    if (Number.isFinite(reply)) return reply;
    throw strangeReply(args[0] ?? '', reply);
  }

  async askList(key: string, args: string[]): Promise<unknown[]> {
    const reply = await this.ask(key, args);
    if (Array.isArray(reply)) return reply as unknown[];
    throw strangeReply(args[0] ?? '', reply);
  }

  /** Refuses commands from now on, and waits for those in progress, or for their time limit. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.deadlines.isWaiting)
      await new Promise<void>((resolve) => (this.onIdle = () => this.deadlines.isWaiting || resolve()));
    this.deadlines.stop();
  }

  /** A client may throw where it should reject. */
  private hand(key: string | undefined, args: string[]): Promise<unknown> {
    try {
      return this.send(key, args);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function textOf([command = '']: string[], reply: unknown): string | undefined {
  if (typeof reply === 'string') return reply;
  if (reply === null || reply === undefined) return undefined;
  if (Buffer.isBuffer(reply)) return reply.toString();
  throw strangeReply(command, reply);
}
