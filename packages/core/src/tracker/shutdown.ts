import type { Parts } from './assemble.js';

/** So many sessions are closed before the event loop gets its turn. */
const CLOSED_AT_ONCE = 1024;

/** How a tracker ends: all sessions close, and sinks get what they can take in time. */
export class Shutdown {
  private stopping: Promise<void> | undefined = undefined;

  constructor(private readonly parts: Parts) {}

  /** Idempotent. */
  stop(timeoutMs: number): Promise<void> {
    return (this.stopping ??= this.shutDown(timeoutMs));
  }

  /** The first thousand at once, the others without stalling the event loop, and no faster than sinks take them. */
  async closeAll(cut: boolean, goOn: () => boolean): Promise<void> {
    const { registry, lifecycle, hub } = this.parts;
    while (goOn()) {
      for (let i = 0; i < CLOSED_AT_ONCE; i++) {
        const session = registry.firstLive();
        if (session === undefined) return;
        lifecycle.close(session, 'shutdown', { cut });
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
      await hub.room();
    }
  }

  private async shutDown(timeoutMs: number): Promise<void> {
    const { admissions, sweeper, attachments, events, hub, clock } = this.parts;
    admissions.stopped = true;
    sweeper.stop();
    attachments.stop();
    events.stop();
    let timer: unknown;
    const timeout = new Promise<void>((resolve) => {
      timer = clock.setTimeout(() => {
        hub.abandon();
        resolve();
      }, timeoutMs);
    });
    await this.closeAll(true, () => true);
    await Promise.race([hub.close(), timeout]);
    clock.clearTimeout(timer);
    await hub.retire();
  }
}
