import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Keys that prove that a page began a connection. Derived from its id, so that none has to be stored. */
export class Keys {
  private readonly secret = randomBytes(32);

  of(id: string): string {
    return createHmac('sha256', this.secret).update(id).digest('base64url').slice(0, 32);
  }

  isOf(id: string, key: string): boolean {
    return isSame(this.of(id), key);
  }
}

/** Takes equally long wherever they differ. */
export function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
