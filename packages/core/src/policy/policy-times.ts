import type { Policy } from '../types/policy.js';
import type { PolicyStats } from '../types/stats.js';

interface Times {
  asked: number;
  ms: number;
}

/** How long each policy takes to answer. */
export class PolicyTimes {
  /** Keyed by name: policies with the same name are counted together, and keep their figures when reconfigured. */
  private readonly times = new Map<string, Times>();

  add({ name }: Policy, ms: number): void {
    const times = this.times.get(name);
    if (times === undefined) this.times.set(name, { asked: 1, ms });
    else {
      times.asked++;
      times.ms += ms;
    }
  }

  /** The figures of these policies, each name once; those of any other policy are dropped. */
  of(policies: readonly Policy[]): PolicyStats[] {
    const names = new Set(policies.map(({ name }) => name));
    for (const name of this.times.keys()) if (!names.has(name)) this.times.delete(name);
    return [...names].map((name) => {
      const { asked, ms } = this.times.get(name) ?? { asked: 0, ms: 0 };
      return { name, asked, seconds: ms / 1000 };
    });
  }
}
