import type { Refusal } from '@stream-sessions/core';
import { Recent } from '../support/recent.js';
import { readGrant, type Grant } from './grant.js';
import { loadJose, type JwtChecks, type Verify } from './jose.js';
import type { PreparedKeys } from './keys.js';
import { spellingOf, type Spelling } from './spelling.js';
import { Unacceptable } from './unacceptable.js';

/** What a token grants, or why it is not accepted. */
export type Verified = Grant | Refusal;

interface Known {
  readonly mirrored: boolean;
  readonly grant: Grant;
}
interface Pending {
  readonly mirrored: boolean;
  readonly verified: Promise<Verified>;
}

/** Longer texts are not tokens; the tracker refuses them, too. */
const MAX_LENGTH = 4096;

/** Verifies each token once, remembers what it grants, and loads jose for the first one. */
export class Verifier {
  private readonly known: Recent<Known>;
  private readonly pending = new Map<string, Pending>();
  private jose: Promise<Verify> | undefined = undefined;

  constructor(
    private readonly keys: PreparedKeys,
    private readonly checks: JwtChecks,
    remember: number,
  ) {
    this.known = new Recent(remember);
  }

  /**
   * Synchronous if the token has been verified already, unless `again` is set.
   *
   * @param now Epoch milliseconds
   * @returns a promise that rejects if the keys are unavailable
   */
  verify(token: string, again: boolean, now: number): Verified | Promise<Verified> {
    if (token.length > MAX_LENGTH) return no(`the token is longer than ${MAX_LENGTH} characters`);
    const spelling = spellingOf(token);
    if (spelling === undefined)
      return no('the token is not a JWT as an issuer writes it: three parts in base64url, no more');
    const { id, mirrored } = spelling;
    const known = this.known.get(id);
    const pending = this.pending.get(id);
    if ((known ?? pending ?? spelling).mirrored !== mirrored) {
      return no('the signature is another spelling of one that came before');
    }
    if (known !== undefined && !again) return known.grant;
    return pending?.verified ?? this.begin(spelling, token, now);
  }

  private begin({ id, mirrored }: Spelling, token: string, now: number): Promise<Verified> {
    const verified = this.decide(token, now)
      .then((found) => {
        // Rejected tokens are remembered by the tracker, for a while: the keys may change.
        if ('allow' in found) this.known.delete(id);
        else this.known.set(id, { mirrored, grant: found });
        return found;
      })
      .finally(() => this.pending.delete(id));
    this.pending.set(id, { mirrored, verified });
    return verified;
  }

  private async decide(token: string, now: number): Promise<Verified> {
    const verify = await (this.jose ??= loadJose(this.keys, this.checks));
    try {
      return readGrant(await verify(token, now), this.checks.claims);
    } catch (error) {
      if (error instanceof Unacceptable) return { ...no(error.message), ...error.refusal };
      throw error;
    }
  }
}

const no = (detail: string): Refusal => ({ allow: false, reason: 'unauthorized', kind: 'credentials', detail });
