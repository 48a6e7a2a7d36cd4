import { Session } from './session.js';

/** A client of streamable HTTP: it sends requests and has neither a lasting connection nor data besides its metadata. */
export class StreamableSession extends Session {
  #isConnected = true;

  /** @param createdAt epoch milliseconds; default now */
  constructor(id: string, createdAt?: number) {
    super(id, 'streamable', createdAt);
  }

  /**
   * Whether this object was made by the request that began the session. False for one that was read, and after `disconnect()`.
   */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  disconnect(): void {
    this.#isConnected = false;
  }

  /** A streamable session has no data. */
  override get data(): undefined {
    return undefined;
  }

  /** Does nothing. */
  override set data(_value: unknown) {}
}
