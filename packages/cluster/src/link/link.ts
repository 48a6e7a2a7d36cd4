/** What a step answers: only what every Redis protocol says alike. */
export type Reply = string | number | null | readonly Reply[];

/**
 * Something that happens at once or not at all, to keys of one bucket: a script. It may run twice, because clients send again
 * what was not answered, so a second run must change nothing. Whatever it writes gets an expiry. It uses the commands of Redis
 * 6.2, and takes the time from `TIME`.
 */
export interface Step {
  /** For messages of errors. */
  readonly name: string;
  /** Lua, as `EVAL` takes it. Keys come as `KEYS`, the rest as `ARGV`. */
  readonly lua: string;
}

/** Buckets that the keys are spread over: those of one bucket lie together, so that one step can have several of them. */
export const BUCKETS = 16;

/** The bucket of the log, and of all else that is followed. */
export const LOG_BUCKET = 0;

/** Of `LOG_BUCKET`: keys whose names begin like this say what all nodes have to know. A link may keep them when the last process has ended. */
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
  /** Nobody else reads it: what was given is deleted. Default false. */
  readonly isOwn?: boolean;
}

/** Reads channels. */
export interface Follower {
  /** Gives everything that the channel still has once more, from its oldest text on. */
  rewind(channel: string): void;
  /** Nothing is given after this has been called. Resolves when its connection is closed. */
  stop(): Promise<void>;
}

/**
 * What the processes of a cluster have in common: buckets of keys, which they change by steps, and channels, which they
 * follow. All else is made of these two: leases, visits and slots are keys; the log and what one process asks another are
 * channels.
 */
export interface ClusterLink {
  /**
   * Takes a step in one bucket, and answers what it returned.
   *
   * @param bucket from 0 to `BUCKETS - 1`
   * @param keys names within the bucket, for `KEYS`; at least one
   * @throws StreamSessionsError ERR_CLUSTER_LINK (as a rejection) if it failed, or was not answered within the time limit; then
   *   it may still happen
   */
  run(step: Step, bucket: number, keys: readonly string[], args: readonly string[]): Promise<Reply>;
  /**
   * Follows channels, by a connection of its own.
   * What is appended after this has resolved is given in order and once, also after a lost connection. What was trimmed
   * meanwhile is missing; who must not miss anything numbers the texts.
   *
   * @throws StreamSessionsError ERR_CLUSTER_LINK (as a rejection)
   */
  follow(channels: readonly Channel[], onTexts: (channel: string, texts: readonly string[]) => void): Promise<Follower>;
  /** Ends what was opened for the link, followers included. The user's client stays open. Further calls are rejected. */
  close(): Promise<void>;
}
