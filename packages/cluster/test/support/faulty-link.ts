import type { ClusterLink, Step } from '../../src/index.js';

/** A link that loses what was asked, or answers: then it has happened, and nobody hears of it. */
export interface FaultyLink extends ClusterLink {
  /**
   * The next step of this name is lost: before it is asked; or its answer, as an error, or for ever, as where the process has
   * died meanwhile.
   */
  lose(step: string, how: 'question' | 'answer' | 'process'): void;
  /** Nothing is asked and nothing is answered from now on. */
  readonly isDead: boolean;
}

export function faultyLink(link: ClusterLink): FaultyLink {
  let lost: { step: string; how: 'question' | 'answer' | 'process' } | undefined;
  let isDead = false;
  let end: (error: Error) => void = () => undefined;
  const never = new Promise<never>((_, reject) => (end = reject));
  never.catch(() => undefined);
  return {
    get isDead() {
      return isDead;
    },
    lose: (step, how) => void (lost = { step, how }),
    run: async (step: Step, ...rest) => {
      if (isDead) return never;
      if (lost?.step === step.name && lost.how === 'question') {
        lost = undefined;
        throw new Error('the question is lost');
      }
      const reply = await link.run(step, ...rest);
      if (lost?.step !== step.name) return isDead ? never : reply;
      const { how } = lost;
      lost = undefined;
      if (how === 'answer') throw new Error('the answer is lost');
      isDead = true;
      return never;
    },
    follow: (...args) => link.follow(...args),
    close: () => {
      // whoever waits until the end of the test would keep Jest waiting
      end(new Error('the link is closed'));
      return link.close();
    },
  };
}
