import type { ClusterLink } from '../../src/index.js';

/** Counts the steps that a node takes, by name. */
export function counting(steps: Map<string, number>): (link: ClusterLink) => ClusterLink {
  return (link) => ({
    run: (step, ...rest) => {
      steps.set(step.name, (steps.get(step.name) ?? 0) + 1);
      return link.run(step, ...rest);
    },
    follow: (...args) => link.follow(...args),
    close: () => link.close(),
  });
}
