import type { Session } from '../session/session.js';
import { keepAlive, monotonic } from '../support/clock.js';
import type { Parts } from './assemble.js';
import type { Persistence } from './persistence.js';

/** The number of sessions closed before the event loop gets its turn. */
const CLOSED_AT_ONCE = 1024;
/** How often it checks whether all responses have ended. Milliseconds. */
const LOOK_EVERY_MS = 50;

/** Stops a tracker: closes all sessions or keeps them for the next process, while sinks get what they can take in time. */
export class Shutdown {
  private stopping: Promise<void> | undefined = undefined;

  constructor(
    private readonly parts: Parts,
    private readonly persistence: Persistence | undefined,
  ) {}

  /** Idempotent. */
  stop(timeoutMs: number, keep: boolean): Promise<void> {
    return (this.stopping ??= this.shutDown(timeoutMs, keep));
  }

  /** Closes the first thousand at once, and the others without stalling the event loop and no faster than the sinks take them. */
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

  private async shutDown(timeoutMs: number, keep: boolean): Promise<void> {
    const { admissions, sweeper, attachments, events, hub, clock } = this.parts;
    admissions.stopped = true;
    sweeper.stop();
    attachments.stop();
    events.stop();
    if (keep) await this.keepAll(timeoutMs);
    let timer: unknown;
    const timeout = new Promise<void>((resolve) => {
      timer = clock.setTimeout(() => {
        hub.abandon();
        resolve();
      }, timeoutMs);
      // sinks may wait with timers alone, as before another try
      keepAlive(timer);
    });
    if (!keep) await this.closeAll(true, () => true);
    await this.persistence?.stop(keep);
    await Promise.race([hub.close(), timeout]);
    clock.clearTimeout(timer);
    await hub.retire();
  }

  /** Lets responses end; then cuts all transports without closing any session. */
  private async keepAll(timeoutMs: number): Promise<void> {
    const { registry, lifecycle, clock } = this.parts;
    const end = monotonic(clock) + timeoutMs;
    while (monotonic(clock) < end && this.hasResponses()) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_EVERY_MS));
    }
    let count = 0;
    for (const session of registry.liveOf()) {
      lifecycle.detach(session);
      if (++count % CLOSED_AT_ONCE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  private hasResponses(): boolean {
    let isOne = false;
    this.parts.registry.live.walk(undefined, (session) => {
      isOne = answers(session);
      return !isOne;
    });
    return isOne;
  }
}

function answers({ handles }: Session): boolean {
  for (let handle = handles; handle !== undefined; handle = handle.nextHandle) if (!handle.isConnection) return true;
  return false;
}
