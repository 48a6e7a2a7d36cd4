import type { Explanation, PolicyDecision } from '@stream-sessions/core';

/** Merges what several nodes know about one session. If a visit is live anywhere, parts that have ended are ignored. */
export function mergedExplanation(all: readonly Explanation[]): Explanation | undefined {
  const live = all.filter(({ closedAt }) => closedAt === undefined);
  const told = live.length > 0 ? live : all;
  const [latest] = [...told].sort((a, b) => ageOf(b) - ageOf(a));
  if (latest === undefined) return undefined;
  return { ...latest, policies: latestOfEach(told.flatMap(({ policies }) => policies)) };
}

/** The later this is, the longer the part lives, or has lived. */
const ageOf = ({ idleAt = 0, closedAt = 0 }: Explanation): number => Math.max(idleAt, closedAt);

function latestOfEach(decisions: readonly PolicyDecision[]): PolicyDecision[] {
  const latest = new Map<string, PolicyDecision>();
  for (const decision of decisions) {
    const { at = -Infinity } = latest.get(decision.policy) ?? {};
    if (decision.at > at) latest.set(decision.policy, decision);
  }
  return [...latest.values()];
}
