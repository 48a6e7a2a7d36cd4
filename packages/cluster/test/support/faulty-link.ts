import type { ClusterLink, Step } from '../../src/index.js';

/** A link that loses answers: what was asked has happened, and nobody hears of it. */
export interface FaultyLink extends ClusterLink {
  /** The answer to the next step of this name is lost: as an error, or for ever, as where the process has died meanwhile. */
  lose(step: string, how: 'answer' | 'process'): void;
  /** Nothing is asked and nothing is answered from now on. */
  readonly isDead: boolean;
}

export function faultyLink(link: ClusterLink): FaultyLink {
  let lost: { step: string; how: 'answer' | 'process' } | undefined;
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  return {
    get isDead() {
      return isDead;
    },
    lose: (step, how) => void (lost = { step, how }),
    run: async (step: Step, ...rest) => {
      if (isDead) return never;
      const reply = await link.run(step, ...rest);
      if (lost?.step !== step.name) return isDead ? never : reply;
      const { how } = lost;
      lost = undefined;
      if (how === 'answer') throw new Error('the answer is lost');
      isDead = true;
      return never;
    },
    follow: (...args) => link.follow(...args),
    close: () => link.close(),
  };
}
