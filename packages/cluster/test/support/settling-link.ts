import { pace } from '../../../../test/support/until.js';
import type { ClusterLink } from '../../src/index.js';

/** What changes waits so long for more of it, and a little longer. */
const GATHERED_MS = 15;

/** Knows when all that nodes of this process had to tell has been told, however busy the machine is. */
export class Settling {
  private readonly running = new Set<Promise<unknown>>();
  private begun = 0;

  readonly link = (link: ClusterLink): ClusterLink => ({
    run: (step, ...rest) => {
      const running = link.run(step, ...rest);
      if (step.name !== 'visits') return running;
      this.begun++;
      const over = running.catch(() => undefined).finally(() => this.running.delete(over));
      this.running.add(over);
      return running;
    },
    follow: (...all) => link.follow(...all),
    close: () => link.close(),
  });

  async settled(): Promise<void> {
    for (let before = -1; before !== this.begun;) {
      before = this.begun;
      await pace(GATHERED_MS);
      await Promise.all(this.running);
    }
  }
}
