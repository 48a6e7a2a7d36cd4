import type { Protocol } from '@stream-sessions/core';

/** A server beside Express that takes the channel and carries it to players of its own. */
export interface Transport {
  /** Resolves when it listens; rejects with what Node says of a port that cannot be opened. */
  start(): Promise<void>;
  /** Where the channel is published, once it has started; undefined when this machine cannot do that. */
  ingest(): string | undefined;
  /** What players open that know this machine by this name, as a URL writes it. */
  addresses(name: string): readonly Address[];
  stop(): Promise<unknown>;
}

export interface Address {
  readonly protocol: Protocol;
  readonly url: string;
}

/** The channel's name: the same stream over every protocol. */
export const STREAM = 'demo';
