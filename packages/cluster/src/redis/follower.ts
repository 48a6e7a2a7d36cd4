import { Deadlines, type RedisClient } from '@stream-sessions/core/spi';
import type { Clock } from '@stream-sessions/core';
import { linkFailed } from '../errors.js';
import { linkClosed } from '../link/attempts.js';
import type { Follower } from '../link/link.js';
import { ownConnection, type OwnConnection } from './own-connection.js';

/** The duration of one wait: its end shows that the connection is alive. Milliseconds. */
const BLOCK_MS = 1_000;
/** Texts read at a time. */
const PORTION = 200;
/** Pauses between reconnection attempts. Milliseconds. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** A channel: its key in Redis, and how far it has been read. */
export interface FollowedChannel {
  readonly name: string;
  readonly key: string;
  /** Texts are deleted once read. */
  readonly isOwn: boolean;
  /** The id of the last entry that was read. */
  position: string;
}

export interface FollowerParts {
  readonly client: RedisClient;
  readonly channels: readonly FollowedChannel[];
  readonly onTexts: (channel: string, texts: readonly string[]) => void;
  readonly clock: Clock;
  /** The time limit for a reply to a command that does not block. */
  readonly timeoutMs: number;
}

/** Waits for new entries with XREAD, whose reply differs between protocols, and reads them with XRANGE, sent right behind it. */
export class RedisFollower implements Follower {
  private connection: OwnConnection | undefined;
  private isStopped = false;
  private wakeUp: (() => void) | undefined;
  private readonly deadlines: Deadlines;
  /** Commands that delete what has been delivered. */
  private readonly deletions: string[][] = [];
  private readonly ended: Promise<void>;
  private begun: () => void = () => undefined;
  private notBegun: (error: unknown) => void = () => undefined;
  /** Why it could not read when it last tried; undefined: it could. */
  failure: unknown;
  /** Resolves when it has read for the first time. Rejects when it is stopped before that. */
  readonly beginning = new Promise<void>((resolve, reject) => {
    this.begun = resolve;
    this.notBegun = reject;
  });

  constructor(private readonly parts: FollowerParts) {
    this.deadlines = new Deadlines(BLOCK_MS + parts.timeoutMs, parts.clock);
    this.beginning.catch(() => undefined);
    this.ended = this.follow();
  }

  rewind(channel: string): void {
    for (const each of this.parts.channels) if (each.name === channel) each.position = '0-0';
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.notBegun(linkClosed());
    this.connection?.destroy();
    this.wakeUp?.();
    await this.ended;
    this.deadlines.stop();
  }

  private async follow(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.isStopped) {
      try {
        this.connection = ownConnection(this.parts.client);
        await this.connection.ready;
        if (this.isStopped) break;
        await this.read();
        this.failure = undefined;
        this.begun();
        for (; !this.isStopped; pauseMs = FIRST_PAUSE_MS) await this.read(this.untilNews());
      } catch (error) {
        this.failure = error;
        this.connection?.destroy();
        await this.pause(pauseMs);
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
    this.connection?.destroy();
  }

  /** A command that ends once there is an unread entry, or a second has passed. */
  private untilNews(): string[] {
    const { channels } = this.parts;
    const keys = channels.map(({ key }) => key);
    const positions = channels.map(({ position }) => position);
    return ['XREAD', 'COUNT', '1', 'BLOCK', String(BLOCK_MS), 'STREAMS', ...keys, ...positions];
  }

  /**
   * Reads a portion of each channel, after the command `first`. All are sent at once: Redis goes on with those behind a command that
   * blocks as soon as that ends, so that texts arrive after a single round trip.
   */
  private async read(first?: string[]): Promise<void> {
    const asked = this.parts.channels.map((channel) => ({ channel, from: channel.position }));
    const commands = [...this.deletions.splice(0), ...(first === undefined ? [] : [first])];
    const before = commands.map((command) => this.ask(command));
    const ranges = asked.map(({ channel, from }) =>
      this.ask(['XRANGE', channel.key, `(${from}`, '+', 'COUNT', String(PORTION)]),
    );
    const [replies] = await Promise.all([Promise.all(ranges), Promise.all(before)]);
    asked.forEach(({ channel, from }, n) => this.deliver(channel, from, replies[n]));
  }

  private deliver(channel: FollowedChannel, from: string, entries: unknown): void {
    if (!Array.isArray(entries)) throw linkFailed('the Redis client changes what Redis answers');
    const read = entries as [id: string, fields: string[]][];
    const last = read.at(-1);
    // what was rewound meanwhile is read again from the beginning
    if (last === undefined || this.isStopped || channel.position !== from) return;
    channel.position = String(last[0]);
    if (channel.isOwn) this.deletions.push(['XDEL', channel.key, ...read.map(([id]) => String(id))]);
    const texts = read.map(([, fields]) => String(fields[1]));
    this.parts.onTexts(channel.name, texts);
  }

  /** A reply that does not arrive in time never will: the connection hangs. */
  private ask(args: string[]): Promise<unknown> {
    const { connection } = this;
    if (connection === undefined) return Promise.reject(linkFailed('there is no connection'));
    return new Promise((resolve, reject) => {
      const waiting = this.deadlines.add(() => reject(linkFailed(`Redis has not answered ${args[0]}`)));
      connection
        .send(this.parts.channels[0]?.key, args)
        .then(resolve, reject)
        .finally(() => this.deadlines.remove(waiting));
    });
  }

  private pause(ms: number): Promise<void> {
    if (this.isStopped) return Promise.resolve();
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => this.wakeUp?.(), ms);
      this.wakeUp = () => {
        clock.clearTimeout(timer);
        this.wakeUp = undefined;
        resolve();
      };
    });
  }
}
