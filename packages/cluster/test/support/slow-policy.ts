import type { Policy, Verdict } from '@stream-sessions/core';

export const NO: Verdict = { allow: false, reason: 'test' };
export const YES: Verdict = { allow: true };

/** A policy that answers when the test says so. */
export function slow(): { policy: Policy; says: (verdict: Verdict) => void; asked: () => number } {
  const waiting: ((verdict: Verdict) => void)[] = [];
  let asked = 0;
  const admit = () => {
    asked++;
    return new Promise<Verdict>((resolve) => waiting.push(resolve));
  };
  return {
    policy: { name: 'slow', stage: 'authorise', admit },
    says: (verdict) => waiting.splice(0).forEach((say) => say(verdict)),
    asked: () => asked,
  };
}
