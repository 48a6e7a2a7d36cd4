import type { createLocalJWKSet } from 'jose' with { 'resolution-mode': 'import' };
import { exchange } from '../support/exchange.js';
import { Unacceptable } from './unacceptable.js';

type KeySet = ReturnType<typeof createLocalJWKSet>;
type Wanted = Parameters<KeySet>;
type Key = Awaited<ReturnType<KeySet>>;

const QUESTION = {
  method: 'GET',
  headers: { accept: 'application/jwk-set+json, application/json' },
  timeoutMs: 3_000,
  maxBytes: 1_048_576,
} as const;
/** An older set is fetched again before use. Milliseconds. */
const FRESH_MS = 600_000;
/** While its server cannot be reached, the set remains in use up to this age. Milliseconds. */
const USABLE_MS = 3_600_000;
/** The minimum time between two attempts: after a success, and after a failure. Milliseconds. */
const COOLDOWN_MS = 30_000;
const RETRY_MS = 1_000;

/**
 * A JWK set (RFC 7517) that is fetched when needed. It is fetched again for a token with an unknown key, because keys are
 * rotated. An unknown key is not the viewer's fault, so that refusal holds only until the set may be fetched again. All times are
 * epoch milliseconds of the tracker's clock.
 */
export class RemoteKeys {
  private set: KeySet | undefined = undefined;
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  /** Why the last attempt failed. */
  private failure: string | undefined = undefined;
  private pending: Promise<void> | undefined = undefined;

  constructor(
    private readonly url: URL,
    private readonly read: typeof createLocalJWKSet,
    private readonly isNoMatch: (error: unknown) => boolean,
  ) {}

  /**
   * @throws Unacceptable if there is no key for this token, or that cannot be determined
   * @throws Error in the latter case, once for each failed attempt: for the log
   */
  async find(wanted: Wanted, now: number): Promise<Key> {
    let asked = false;
    // If the old set will do, requests do not wait for its server again and again while that is down.
    const waitMs = this.isUsable(now) ? COOLDOWN_MS : this.waitMs;
    if (!isWithin(FRESH_MS, this.fetchedAt, now)) asked = await this.fetch(now, waitMs);
    const known = await this.inSet(wanted, now);
    if (known !== undefined) return known;
    asked = (await this.fetch(now, this.waitMs)) || asked;
    const found = await this.inSet(wanted, now);
    if (found !== undefined) return found;
    const denyForMs = Math.max(0, this.triedAt + this.waitMs - now);
    if (this.failure !== undefined) {
      const { origin, pathname } = this.url;
      const message = `the set of keys at ${origin}${pathname} is not available: ${this.failure}`;
      if (asked) throw new Error(message);
      throw new Unacceptable(message, { reason: 'policy_error', kind: 'overload', denyForMs });
    }
    if (this.fetchedAt >= now) throw new Unacceptable('the set of keys has none that fits the token', { denyForMs });
    throw new Unacceptable('its key is not known yet: the set of keys was fetched a moment ago', {
      kind: 'overload',
      denyForMs,
    });
  }

  private get waitMs(): number {
    return this.failure === undefined ? COOLDOWN_MS : RETRY_MS;
  }

  private isUsable(now: number): boolean {
    return isWithin(USABLE_MS, this.fetchedAt, now);
  }

  private async inSet(wanted: Wanted, now: number): Promise<Key | undefined> {
    if (!this.isUsable(now)) return undefined;
    try {
      return await this.set?.(...wanted);
    } catch (error) {
      if (this.isNoMatch(error)) return undefined;
      throw error;
    }
  }

  /** Unless that was tried less than `waitMs` ago. True: this call made the attempt. */
  private async fetch(now: number, waitMs: number): Promise<boolean> {
    if (this.pending !== undefined) {
      await this.pending;
      return false;
    }
    if (isWithin(waitMs, this.triedAt, now)) return false;
    this.triedAt = now;
    this.pending = this.load(now).finally(() => (this.pending = undefined));
    await this.pending;
    return true;
  }

  private async load(now: number): Promise<void> {
    try {
      const { status, text } = await exchange(this.url, QUESTION);
      if (status !== 200) throw new Error(`its server answered ${status}`);
      this.set = this.read(asSet(text));
      this.fetchedAt = now;
      this.failure = undefined;
    } catch (error) {
      this.failure = (error as Error).message;
    }
  }
}

/** Also false for a future time: the clock was set back. */
const isWithin = (ms: number, at: number, now: number): boolean => now - at >= 0 && now - at < ms;

type Jwks = Parameters<typeof createLocalJWKSet>[0];

function asSet(text: string): Jwks {
  try {
    return JSON.parse(text) as Jwks;
  } catch {
    throw new Error('the answer of its server is not JSON');
  }
}
