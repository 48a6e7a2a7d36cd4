/** The result of a step: only values that every Redis protocol represents alike. */
export type Reply = string | number | null | readonly Reply[];

/**
 * An atomic change to keys of one bucket: a script. It may run twice, because clients resend what was not answered, so a second
 * run must change nothing. Whatever it writes gets an expiry. It uses the commands of Redis 6.2, and takes the time from `TIME`.
 */
export interface Step {
  /** For error messages. */
  readonly name: string;
  /** Lua, as accepted by `EVAL`. Keys are in `KEYS`, everything else in `ARGV`. */
  readonly lua: string;
  /** Calls are frequent and short, and may wait some milliseconds for others, in any buckets, to be sent with them. Default: none does. */
  readonly gathered?: Gathered;
}

/**
 * The script of a step in two pieces, for several calls in one command. What the first one declares, the second one sets anew for each
 * call, or only reads. In both, `KEYS` and `ARGV` are those of the call.
 */
export interface Gathered {
  /** Functions, variables and the time: run once. Making functions anew for each call costs as much as the commands of one. */
  readonly shared: string;
  /** Run for each call; returns its result. */
  readonly call: string;
}

/**
 * Buckets over which the keys are spread: the keys of one bucket are stored together, so that one step can use several of them.
 */
export const BUCKETS = 16;
export const EVERY_BUCKET: readonly number[] = Array.from({ length: BUCKETS }, (_, bucket) => bucket);

/** The bucket of the log, and of every other channel. */
export const LOG_BUCKET = 0;

/**
 * In `LOG_BUCKET`, keys with this prefix hold what all nodes have to know. A link may keep them after the last process has ended.
 */
export const KEPT = 'log-';

/** What is wrong with the keys of a step; undefined: nothing. */
export const checkKeys = (step: Step, bucket: number, keys: readonly string[]): string | undefined =>
  Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS && keys.length > 0
    ? undefined
    : `${step.name} names no keys of a bucket`;

/** A stream in `LOG_BUCKET`, to which steps append texts as its field `d` (`XADD key * d text`). */
export interface Channel {
  /** The name of its key. */
  readonly name: string;
  /** It has a single reader: texts are deleted once delivered. Default false. */
  readonly isOwn?: boolean;
}

/** Reads channels. */
export interface Follower {
  /** Delivers everything that the channel still has again, from its oldest text on. */
  rewind(channel: string): void;
  /** Why it cannot read at this moment, where its connection is not that of the steps; undefined: it can. */
  readonly failure?: unknown;
  /** Nothing is delivered once this has been called. Resolves when its connection is closed. */
  stop(): Promise<void>;
}

/**
 * The shared state of the processes of a cluster: buckets of keys, which they change by steps, and channels, which they follow.
 * Everything else is built on these two: leases, visits and slots are keys; the log and the questions between processes are
 * channels.
 */
export interface ClusterLink {
  /**
   * Runs a step in one bucket, and resolves with its result.
   *
   * @param bucket from 0 to `BUCKETS - 1`
   * @param keys names within the bucket, for `KEYS`; at least one
   * @throws StreamSessionsError ERR_CLUSTER_LINK (as a rejection) if it failed, or was not answered within the time limit; then
   *   it may still happen
   */
  run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /**
   * Follows channels, by a connection of its own. Texts appended after this has resolved are delivered in order and once, even
   * after a lost connection. Texts that were trimmed meanwhile are missing: if none may be missed, number them.
   *
   * @throws StreamSessionsError ERR_CLUSTER_LINK (as a rejection)
   */
  follow(channels: readonly Channel[], onTexts: (channel: string, texts: readonly string[]) => void): Promise<Follower>;
  /** Closes what was opened for the link, including followers. The user's client stays open. Further calls are rejected. */
  close(): Promise<void>;
}
