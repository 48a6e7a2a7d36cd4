/** One who waits for the source of a stream. It never rejects: true, the source runs; false, it does not come in time. */
export type SourceWait = Promise<boolean> & {
  /** The client has left: it is waited for no longer, and the answer is false. */
  cancel(): void;
};

/** `ready` of `@stream-sessions/on-demand`: adapters ask it before they serve a stream whose source may be asleep. */
export interface SourceGate {
  /** Undefined: there is nothing to wait for, because the source runs, or nobody starts one for this stream. */
  (stream: string): SourceWait | undefined;
  /** Whether a source is started for this stream when somebody comes. */
  manages(stream: string): boolean;
}
