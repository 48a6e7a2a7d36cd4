import type { Clock } from '@stream-sessions/core';
import { storeClosed } from '../errors.js';
import type { Send } from './clients.js';
import { busy, failureOf, strangeReply, timedOut } from './failures.js';

/** Commands that a client may be given and has not answered. Clients keep them while Redis is away, without a bound. */
const MAX_PENDING = 10_000;

/** Sends commands, each with a limit of time, and tells failures apart. */
export class RedisConnection {
  private pending = 0;
  private isClosed = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly send: Send,
    private readonly limitMs: number,
    private readonly clock: Clock,
  ) {}

  /** The reply to a command. What arrives after the limit is let go. */
  ask(key: string | undefined, args: string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) throw storeClosed();
      if (this.pending >= MAX_PENDING) throw busy(this.pending);
      this.pending++;
      const timer = this.clock.setTimeout(() => reject(timedOut(args[0] ?? '', this.limitMs)), this.limitMs);
      const settle = (): void => {
        this.clock.clearTimeout(timer);
        if (--this.pending === 0) this.onIdle?.();
      };
      this.hand(key, args).then(
        (reply) => {
          settle();
          resolve(reply);
        },
        (error) => {
          settle();
          reject(failureOf(error));
        },
      );
    });
  }

  async askText(key: string, args: string[]): Promise<string | undefined> {
    const reply = await this.ask(key, args);
    if (typeof reply === 'string') return reply;
    if (reply === null || reply === undefined) return undefined;
    if (Buffer.isBuffer(reply)) return reply.toString();
    throw strangeReply(args[0] ?? '', reply);
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

  /** Refuses commands from now on, and waits for those that are under way, or for their limit. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.setTimeout(resolve, this.limitMs);
      this.onIdle = () => {
        this.clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  /** A client may throw where it should reject: an async function makes both one. It sends at once. */
  private async hand(key: string | undefined, args: string[]): Promise<unknown> {
    return this.send(key, args);
  }
}
