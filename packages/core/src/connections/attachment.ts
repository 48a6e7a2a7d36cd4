/** The result of attaching a tracker to a server. */
export interface Attachment {
  /**
   * Removes every listener and leaves the server running: clients keep playing, untracked. Their sessions close with
   * `shutdown`. Idempotent.
   */
  detach(): Promise<void>;
}
