/** A wait for the source of a stream. It never rejects: true, the source runs; false, it does not start in time. */
export type SourceWait = Promise<boolean> & {
  /** The client has left: the wait ends with false. */
  cancel(): void;
};

/** `ready` of `@stream-sessions/on-demand`: adapters call it before they serve a stream whose source may be asleep. */
export interface SourceGate {
  /** Undefined: there is nothing to wait for, because the source is running or none is started for this stream. */
  (stream: string): SourceWait | undefined;
  /** Whether a source is started for this stream when a viewer comes. */
  manages(stream: string): boolean;
}
